"""`transactions`, `statement`: every movement of an account's wallet."""

from pathlib import Path
from typing import Annotated

import typer

from core.domain.transactions import TransactionKind
from doors.commandline.app import command
from doors.commandline.options import AccountId, Listing

_FROM = typer.Option("--from", metavar="DATE", help="The first local date of the account.")
_TO = typer.Option("--to", metavar="DATE", help="The last local date of the account.")


@command(
    "transactions",
    "transactions acme",
    "transactions acme --from 2021-01-01 --to 2021-03-31 --kind renewal",
    "transactions acme --subscription s1 --csv acme.csv --bom",
)
def transactions(
    account: AccountId,
    listing: Listing,
    first: Annotated[str | None, _FROM] = None,
    last: Annotated[str | None, _TO] = None,
    kind: Annotated[
        TransactionKind | None,
        typer.Option(metavar="KIND", help=f"Only this kind: {', '.join(TransactionKind)}."),
    ] = None,
    subscription: Annotated[
        str | None, typer.Option(metavar="ID", help="Only transactions of this subscription.")
    ] = None,
) -> None:
    """Show the transactions of an account, with the balance after each (rule 11.7).

    The newest ones are shown, in the order of time.
    """
    from doors.commandline import inputs, transaction_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries import transaction_csv
    from doors.queries.transactions import Wanted
    from doors.queries.transactions import transactions as read

    name = inputs.name("ACCOUNT", account)
    wanted = Wanted(
        account=name,
        first_day=inputs.optional_day("--from", first),
        last_day=inputs.optional_day("--to", last),
        kind=kind,
        subscription=inputs.optional_name("--subscription", subscription),
    )
    inputs.in_order("--from", wanted.first_day, "--to", wanted.last_day)
    after = inputs.optional_position("--after", listing.after)
    with ledger() as opened:
        show_list(
            List(
                rows=read(opened, wanted, after=after),
                oldest_first=read(opened, wanted, newest_first=False),
                table=lambda rows: transaction_tables.transactions(f"Transactions of {name}", rows),
                key=lambda row: str(row.position),
                columns=transaction_csv.COLUMNS,
                cells=transaction_csv.cells,
            ),
            listing,
        )


@command(
    "statement",
    "statement acme --from 2021-01-01 --to 2021-01-31",
    "statement acme --from 2021-01-01 --to 2021-01-31 --pdf january.pdf",
)
def statement(
    account: AccountId,
    first: Annotated[str, _FROM],
    last: Annotated[str, _TO],
    listing: Listing,
    pdf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as PDF to this file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as HTML to this file.")
    ] = None,
) -> None:
    """Show what an account had, every movement between two dates, and what it has then.

    Opening balance plus movements is the closing balance (rule 11.7).
    """
    from doors.commandline import inputs, plain_data, transaction_tables
    from doors.commandline.connection import configured, ledger
    from doors.commandline.lists import List, print_json, show_list
    from doors.commandline.output import console, print_parts
    from doors.queries import transaction_csv
    from doors.queries.statements import movements
    from doors.queries.statements import statement as read

    name = inputs.name("ACCOUNT", account)
    first_day, last_day = inputs.day("--from", first), inputs.day("--to", last)
    inputs.in_order("--from", first_day, "--to", last_day)
    after = inputs.optional_position("--after", listing.after)
    config = configured()
    with ledger(config) as opened:
        found = read(opened, name, first_day, last_day)
        if pdf or html:
            from doors.commandline.files import write_statement  # Typst is slow to import.

            own = config.document_templates
            write_statement(opened, found, pdf, html, own=own, json=listing.json)
            return
        if listing.json:
            print_json(movements(opened, found, after=after), plain_data.data(found))
            return
        rows = movements(opened, found, after=after)
        if listing.csv is None:
            print_parts(transaction_tables.statement_head(found), console())
            console().print()
        show_list(
            List(
                rows=rows if listing.csv is None else transaction_csv.whole(found, rows),
                table=lambda rows: transaction_tables.transactions("Movements", rows),
                key=transaction_tables.position,
                columns=transaction_csv.COLUMNS,
                cells=transaction_csv.cells,
            ),
            listing,
        )
        if listing.csv is None:
            console().print()
            print_parts(transaction_tables.statement_foot(found), console())
