"""`clock`: test clocks, whose time passes on command."""

from datetime import datetime
from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import ClockId, Json, Listing

group("clock", "Test clocks: their time passes when you advance them.")

_INSTANT = "an instant with an offset, or a date, which is read as UTC."


@command("clock new", "clock new spring --at 2021-03-01")
def clock_new(
    clock: ClockId,
    at: Annotated[str, typer.Option(metavar="INSTANT", help=f"Where it starts: {_INSTANT}")],
    json: Json = False,
) -> None:
    """Make a test clock. Accounts are attached to it when they are opened."""
    from doors.commandline import inputs, setup
    from doors.commandline.connection import ledger

    name, now = inputs.name("CLOCK", clock), inputs.instant("--at", at)
    with ledger() as opened:
        setup.new_clock(opened, name, now)
    _show_one(name, json=json)


@command(
    "clock advance",
    "clock advance spring --to 2021-04-01",
    "clock advance spring --to 2021-04-01T08:00:00+08:00",
)
def clock_advance(
    clock: ClockId,
    to: Annotated[str, typer.Option(metavar="INSTANT", help=f"Where it stops: {_INSTANT}")],
    json: Json = False,
) -> None:
    """Let time pass on a test clock. Every due step runs at its instant, in order.

    The command may be interrupted and repeated.
    """
    from doors.commandline import inputs
    from doors.commandline.async_run import run
    from doors.commandline.connection import ledger
    from doors.queries.clocks import find_clock

    name, until = inputs.name("CLOCK", clock), inputs.instant("--to", to)
    with ledger() as opened:
        now = find_clock(opened, name).now
    if until < now:
        inputs.wrong(
            "--to",
            f"{until.isoformat()} is before the clock's now, {now.isoformat()}; "
            "a clock never goes back",
        )
    run(_advance(name, now, until))
    _show_one(name, json=json)


async def _advance(clock: str, now: datetime, until: datetime) -> None:
    from doors.commandline import connection
    from doors.commandline.progress_bars import passing
    from doors.commandline.recording import recorded_work

    config = connection.configured()
    async with connection.perennial(config) as perennial:
        await connection.require_workers(perennial, config)
        to = until.isoformat()
        with (
            recorded_work(perennial.ledger, "advance_clock", clock, to=to) as done,
            passing(now, until) as progress,
        ):
            await perennial.advance(clock, until, progress=progress)
            done["now"] = to


@command("clock show", "clock show", "clock show spring")
def clock_show(
    listing: Listing,
    clock: Annotated[
        str | None, typer.Argument(metavar="CLOCK", help="The id of a clock. Default: all clocks.")
    ] = None,
) -> None:
    """Show test clocks and their current instants."""
    from dataclasses import fields

    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries.clocks import ClockLine, clock_rows, find_clock

    name = inputs.optional_name("CLOCK", clock)
    after = inputs.optional_name("--after", listing.after)
    with ledger() as opened:
        one = None if name is None else iter([find_clock(opened, name)])
        show_list(
            List(
                rows=one or clock_rows(opened, after=after),
                table=tables.clocks,
                key=lambda row: row.clock,
                columns=[field.name for field in fields(ClockLine)],
            ),
            listing,
        )


def _show_one(clock: str, *, json: bool) -> None:
    """Show the clock that a command has made or advanced."""
    from doors.commandline import tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.clocks import find_clock

    with ledger() as opened:
        found = [find_clock(opened, clock)]
    show(found, tables.clocks(found), json=json)
