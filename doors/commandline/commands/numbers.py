"""`number`: the inventory of numbers."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import (
    AccountId,
    DryRun,
    FaultFile,
    Json,
    Listing,
    Request,
    TestClocks,
)

group("number", "Import numbers, look them up, reserve them.")

Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A phone number, such as +6561234567.")
]


@command("number import", "number import numbers.csv --dry-run --faults faults.csv")
def number_import(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV with the columns number, sku and perhaps hold."),
    ],
    dry_run: DryRun = False,
    faults: FaultFile = None,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who asks, for the history.")
    ] = "command line",
    json: Json = False,
) -> None:
    """Import numbers into the inventory, free to be bought (rule 10.3).

    After an interruption, run the import again. Numbers that are there already stay as they are.
    """
    from doors.commandline import import_run, import_tables, inputs
    from doors.commandline.output import show

    actor = inputs.name("--by", by)
    report = import_run.import_numbers_with_fault_file(file, faults, actor, dry_run=dry_run)
    show(report, import_tables.number_report(report), json=json)
    import_run.end_if_faulty(report.faulty, file, faults)


@command(
    "number list",
    "number list --state free --sku DID-SG",
    "number list --account acme --limit 50 --after +6561234567",
)
def number_list(
    listing: Listing,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Only free, reserved, held, in_use or gone."),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Only numbers of this account.")
    ] = None,
    sku: Annotated[
        str | None, typer.Option(metavar="SKU", help="Only numbers of this SKU.")
    ] = None,
    test_clocks: TestClocks = False,
) -> None:
    """Show numbers of the inventory, page by page."""
    from dataclasses import fields

    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list, without_test_clocks
    from doors.queries.numbers import NumberLine, number_rows

    with ledger() as opened:
        rows = number_rows(
            opened,
            state=inputs.optional_number_state("--state", state),
            account=inputs.optional_name("--account", account),
            sku=inputs.optional_name("--sku", sku),
            test_clocks=test_clocks,
            after=None if listing.after is None else inputs.number("--after", listing.after),
        )
        show_list(
            List(
                rows=rows,
                table=tables.numbers,
                key=lambda row: row.number,
                columns=[field.name for field in fields(NumberLine)],
                when_empty=without_test_clocks(test_clocks, account),
            ),
            listing,
        )


@command("number show", "number show +6561234567")
def number_show(number: Number, listing: Listing) -> None:
    """Show a number: whose it is, until when, what comes next, and its history.

    The newest lines of the history are shown, in the order of time. The CSV has the history.
    """
    from dataclasses import fields

    from doors.commandline import inputs, plain_data, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import Head, List, show_list
    from doors.queries.numbers import NumberHistoryLine, find_number, number_history

    asked = inputs.number("NUMBER", number)
    after = inputs.optional_position("--after", listing.after)
    with ledger() as opened:
        view = find_number(opened, asked)
        values = plain_data.data(view)
        del values["history"]
        show_list(
            List(
                rows=number_history(opened, asked, after=after),
                oldest_first=number_history(opened, asked, newest_first=False),
                table=lambda rows: [tables.number_history(rows, view.timezone)],
                key=lambda row: str(row.seq),
                columns=[field.name for field in fields(NumberHistoryLine)],
                head=Head(
                    parts=tables.number(view),
                    values=values.pop("line") | values,
                    rows="history",
                ),
            ),
            listing,
        )


@command("number reserve", "number reserve +6561234567 acme --remark 'for the new office'")
def number_reserve(
    number: Number,
    account: AccountId,
    request: Request,
    remark: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it is reserved for.")
    ] = None,
) -> None:
    """Reserve a free number for an account. It is released after some weeks (rule 10.3)."""
    from core.domain.commands.reserve_number import ReserveNumber
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    reserved = ReserveNumber(
        account=inputs.name("ACCOUNT", account),
        number=inputs.e164("NUMBER", number),
        remark=None if remark is None else inputs.text("--remark", remark),
        request_id=request.id,
        actor=request.actor,
    )
    issue(reserved, request)


@command("number unreserve", "number unreserve +6561234567 acme")
def number_unreserve(number: Number, account: AccountId, request: Request) -> None:
    """End the reservation of a number before its last day (rule 10.3)."""
    from core.domain.commands.unreserve_number import UnreserveNumber
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    freed = UnreserveNumber(
        account=inputs.name("ACCOUNT", account),
        number=inputs.number("NUMBER", number),
        request_id=request.id,
        actor=request.actor,
    )
    issue(freed, request)
