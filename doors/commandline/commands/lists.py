"""`list`: the work lists of support."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Listing, TestClocks
from doors.queries.list_names import WorkList


@command(
    "list",
    "list failed",
    "list expiring --account acme",
    "list failed --expiry-from 2021-01-01 --expiry-to 2021-01-31 --csv failed.csv",
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
    listing: Listing,
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="List this account only.")
    ] = None,
    expiry_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="Paid up to this day or later.")
    ] = None,
    expiry_to: Annotated[
        str | None, typer.Option(metavar="DATE", help="Paid up to this day or earlier.")
    ] = None,
    test_clocks: TestClocks = False,
) -> None:
    """Show a work list of support, grouped by account (rule 6.3)."""
    from dataclasses import fields

    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list, without_test_clocks
    from doors.queries.work_lists import ListRow, WorkFilter, work_rows

    of = WorkFilter(
        account=inputs.optional_name("--account", account),
        test_clocks=test_clocks,
        expiry_from=inputs.optional_day("--expiry-from", expiry_from),
        expiry_to=inputs.optional_day("--expiry-to", expiry_to),
    )
    inputs.in_order("--expiry-from", of.expiry_from, "--expiry-to", of.expiry_to)
    after = inputs.optional_name("--after", listing.after)
    with ledger() as opened:
        show_list(
            List(
                rows=work_rows(opened, which, of, after=after),
                table=lambda rows: tables.work_list(which, rows),
                key=lambda row: row.subscription,
                columns=[field.name for field in fields(ListRow)],
                when_empty=without_test_clocks(test_clocks, of.account),
            ),
            listing,
        )
