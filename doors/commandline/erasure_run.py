"""Erases what is left to be erased of an account, and says so."""

from core.domain.counted import counted
from doors.commandline import connection
from doors.commandline.async_run import run
from doors.commandline.output import say


def finish_erasing(account: str, *, json: bool) -> None:
    """Erase all rows of an account that is marked as erased, and the runs of its workflows.

    The relay does the same when this process dies. Nothing is said with `json`.
    """
    looked_at = 0

    def count(rows: int) -> None:
        nonlocal looked_at
        looked_at += rows

    async def work() -> None:
        async with connection.perennial() as perennial:
            await perennial.finish_erasing(account, count)

    run(work())
    if not json and looked_at:
        rows = counted(looked_at, "row")
        say(f"{rows} and the histories of its workflows were gone through.")
