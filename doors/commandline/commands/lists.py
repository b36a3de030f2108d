"""`list`: the work lists of support."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json
from doors.queries.list_names import WorkList


@command(
    "list",
    "list failed",
    "list expiring --account acme",
    "list failed --expiry-from 2021-01-01 --expiry-to 2021-01-31 --csv",
)
def list_subscriptions(
    which: Annotated[
        WorkList,
        typer.Argument(
            metavar="LIST",
            help="active; failed: the renewal failed; "
            "expiring: auto-renewal is off, within 3 days; expired.",
        ),
    ],
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="List this account only.")
    ] = None,
    expiry_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="Paid up to this day or later.")
    ] = None,
    expiry_to: Annotated[
        str | None, typer.Option(metavar="DATE", help="Paid up to this day or earlier.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most lines in the table.")] = 200,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print all lines as CSV, with owner and billing e-mail.")
    ] = False,
    json: Json = False,
) -> None:
    """Show a work list of support, grouped by account (rule 6.3)."""
    from doors.commandline import inputs, plain_data, tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.work_lists import work_list

    first = inputs.optional_day("--expiry-from", expiry_from)
    last = inputs.optional_day("--expiry-to", expiry_to)
    if first and last and first > last:
        inputs.wrong("--expiry-from", f"{first} is after --expiry-to, {last}")
    with ledger() as opened:
        rows = work_list(
            opened,
            which,
            account=inputs.optional_name("--account", account),
            expiry_from=first,
            expiry_to=last,
            most=None if csv or json else limit + 1,
        )
    if csv and not json:
        typer.echo(plain_data.as_csv(rows), nl=False)
    else:
        show(rows, tables.work_list(which, rows, limit), json=json)
