"""`report`: what came in, what was earned, what is owed, by currency and month."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Listing
from doors.queries.list_names import MoneyReport


@command(
    "report",
    "report money-in",
    "report margin --from 2026-01 --to 2026-12 --csv margin.csv",
    "report deferred --from 2026-11 --json",
)
def report(
    which: Annotated[
        MoneyReport,
        typer.Argument(
            metavar="NAME",
            help="money-in: into wallets, by source; fees; refunds; "
            "margin: fees, refunds and cost; deferred: paid and not yet served; "
            "receivables: owed on invoices, by age; books: all books of the ledger.",
        ),
    ],
    listing: Listing,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MONTH",
            help="The first month, such as 2026-01. Default: --to. Of receivables: as far back "
            "as there are debts, at most ten years.",
        ),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="MONTH", help="The last month. Default: this one.")
    ] = None,
    seller: Annotated[
        str | None, typer.Option(metavar="SELLER", help="Default: the configured seller.")
    ] = None,
    test_clocks: Annotated[
        bool, typer.Option("--test-clocks", help="Show accounts on test clocks, too, marked.")
    ] = False,
) -> None:
    """Show a report of money, per currency and month (docs/reports.md).

    Months are those of UTC.
    """
    from doors.commandline import inputs, report_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries import report_csv
    from doors.queries.reports import money_report, usual_first_month

    until = report_tables.month("--to", last)
    begin = report_tables.month("--from", first) if first else usual_first_month(which, until)
    with ledger() as opened:
        rows = money_report(
            opened,
            which,
            begin,
            until,
            seller=inputs.optional_name("--seller", seller),
            with_test_clocks=test_clocks,
        )
    show_list(
        List(
            rows=iter(rows),
            table=lambda page: report_tables.tables_of(which, page, rows, begin, until),
            columns=report_csv.columns(which),
            cells=lambda row: report_csv.cells(which, row),
            value=lambda row: report_csv.cells(which, row),
        ),
        listing,
    )
