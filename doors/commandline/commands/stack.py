"""`stack` and `migrate`: the servers that Perennial uses."""

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json

group("stack", "The PostgreSQL and Temporal servers of this machine.")


@command("stack up", "stack up")
def stack_up(json: Json = False) -> None:
    """Start the embedded servers that do not run, and bring the database up to date.

    Data stays when a server stops.
    """
    from doors.commandline import embedded_stack, setup
    from doors.commandline.connection import configured

    config = configured()
    addresses = embedded_stack.required().up(config, lambda text: typer.echo(text, err=True))
    setup.prepare(addresses.database_url, config.seller)
    stack_status(json=json)


@command("stack status", "stack status")
def stack_status(json: Json = False) -> None:
    """Show where PostgreSQL and Temporal are, and whether they run.

    The exit code is 3 when one of them does not run.
    """
    from doors.commandline import server_status, tables
    from doors.commandline.connection import configured
    from doors.commandline.exit_codes import Unavailable
    from doors.commandline.output import show

    config = configured()
    parts = server_status.of_all(config)
    show(server_status.as_data(parts), tables.stack(parts), json=json)
    typer.echo(server_status.of_payloads(config), err=json)
    if stopped := [part.name for part in parts if not part.running]:
        raise Unavailable(
            f"Not running: {', '.join(stopped)}.\n"
            "`starter.py stack up` starts embedded servers. Start configured ones yourself."
        )


@command("stack down", "stack down")
def stack_down(json: Json = False) -> None:
    """Stop the embedded servers. Their data stays."""
    from doors.commandline import embedded_stack
    from doors.commandline.connection import configured
    from doors.commandline.output import show

    stopped = embedded_stack.required().down(configured())
    text = f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running."
    show({"stopped": stopped}, text, json=json)


@command("migrate", "migrate")
def migrate(json: Json = False) -> None:
    """Bring the database to the newest version of its tables. Repeating it changes nothing."""
    from doors.commandline import embedded_stack, setup
    from doors.commandline.connection import configured
    from doors.commandline.output import show

    config = configured()
    setup.prepare(embedded_stack.database_url(config), config.seller)
    show({"migrated": True}, "The database is up to date.", json=json)
