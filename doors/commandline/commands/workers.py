"""`worker status`: the worker processes that poll for tasks."""

from typing import TYPE_CHECKING

from doors.commandline.app import command, group
from doors.commandline.options import Json

if TYPE_CHECKING:
    from doors.commandline.connection import Role

group("worker", "The workers that run workflows and activities.")


@command("worker status", "worker status")
def worker_status(json: Json = False) -> None:
    """Show which workers poll for tasks. The exit code is 3 when a role has no worker."""
    from doors.commandline import tables
    from doors.commandline.async_run import run
    from doors.commandline.exit_codes import Unavailable
    from doors.commandline.output import show

    roles = run(_roles())
    show(roles, tables.workers(roles), json=json)
    if missing := [role.role for role in roles if not role.pollers]:
        raise Unavailable(
            f"No worker for: {', '.join(missing)}. Start one with `python worker.py all`."
        )


async def _roles() -> "list[Role]":
    from doors.commandline import connection

    config = connection.configured()
    async with connection.perennial(config) as perennial:
        return await connection.workers(perennial, config)
