"""`report`: what came in, what was earned, what is owed, by currency and month."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json
from doors.queries.list_names import MoneyReport


@command(
    "report",
    "report money-in",
    "report margin --from 2026-01 --to 2026-12 --csv",
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
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MONTH", help="The first month, such as 2026-01. Default: --to."
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
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
) -> None:
    """Show a report of money, per currency and month (docs/reports.md).

    Months are those of UTC.
    """
    from doors.commandline import inputs, report_tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import console as screen
    from doors.commandline.output import print_json, print_parts
    from doors.queries.reports import money_report

    until = report_tables.month("--to", last)
    begin = until if first is None and last is not None else report_tables.month("--from", first)
    with ledger() as opened:
        rows = money_report(
            opened,
            which,
            begin,
            until,
            seller=inputs.optional_name("--seller", seller),
            with_test_clocks=test_clocks,
        )
    if json:
        print_json(report_tables.as_data(which, rows))
    elif csv:
        typer.echo(report_tables.as_csv(which, rows), nl=False)
    else:
        print_parts(report_tables.tables_of(which, rows, begin, until), screen())
