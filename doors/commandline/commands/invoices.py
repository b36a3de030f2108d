"""`invoice`, `receipt`: invoices, credit notes and receipts as lists and as documents."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.domain.languages import Language
from doors.commandline.app import command, group
from doors.commandline.options import AccountId, Json, Listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from activities.documents import Document
    from core.domain.documents import Format
    from core.ledger.ledger import Ledger

group("invoice", "Show invoices and credit notes, and write them as PDF, HTML or XML.")
group("receipt", "Show money that came in, and write receipts as PDF or HTML.")

Number = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, max=10**15, help="The number of the invoice.")
]
Receipt = Annotated[
    int,
    typer.Argument(
        metavar="NUMBER", min=1, max=10**15, help="The number that `receipt list` shows."
    ),
]
To = Annotated[
    Path,
    typer.Option("--to", metavar="FILE", help="The file to write. One that exists is replaced."),
]


@command("invoice list", "invoice list acme", "invoice list acme --csv invoices.csv")
def invoice_list(account: AccountId, listing: Listing) -> None:
    """List invoices and credit notes of an account: the newest ones, in order of issue."""
    from doors.commandline import document_tables, inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries.invoices import invoices

    name = inputs.name("ACCOUNT", account)
    after = inputs.optional_position("--after", listing.after)
    with ledger() as opened:
        show_list(
            List(
                rows=invoices(opened, name, after=after),
                oldest_first=invoices(opened, name, newest_first=False),
                table=lambda rows: [tables.invoices(rows)],
                key=lambda row: str(row.position),
                columns=document_tables.INVOICE_COLUMNS,
                cells=document_tables.invoice_cells,
            ),
            listing,
        )


@command("invoice show", "invoice show 42")
def invoice_show(number: Number, json: Json = False) -> None:
    """Show what an invoice or a credit note says: its lines, its tax, what was paid and due."""
    from doors.commandline import document_tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.invoices import find_invoice

    with ledger() as opened:
        found = find_invoice(opened, number)
    show(found, document_tables.invoice(found), json=json)


@command("invoice pdf", "invoice pdf 42 --to invoice-42.pdf")
def invoice_pdf(number: Number, to: To, json: Json = False) -> None:
    """Write an invoice or a credit note as PDF. The same invoice is always the same file."""
    from core.domain.documents import Format

    _write_invoice(number, Format.PDF, to, json=json)


@command("invoice html", "invoice html 42 --to invoice-42.html")
def invoice_html(number: Number, to: To, json: Json = False) -> None:
    """Write an invoice or a credit note as HTML. The same invoice is always the same file."""
    from core.domain.documents import Format

    _write_invoice(number, Format.HTML, to, json=json)


@command("invoice xml", "invoice xml 42 --to invoice-42.xml")
def invoice_xml(number: Number, to: To, json: Json = False) -> None:
    """Write an electronic invoice (EN 16931, UBL 2.1). The official rules must find it valid."""
    from core.domain.documents import Format

    _write_invoice(number, Format.XML, to, json=json)


@command("receipt list", "receipt list acme")
def receipt_list(account: AccountId, listing: Listing) -> None:
    """List top-ups, card charges and payments of an account, the newest ones."""
    from doors.commandline import document_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries.invoices import receipts_of

    name = inputs.name("ACCOUNT", account)
    after = inputs.optional_position("--after", listing.after)
    with ledger() as opened:
        show_list(
            List(
                rows=receipts_of(opened, name, after=after),
                oldest_first=receipts_of(opened, name, newest_first=False),
                table=lambda rows: [document_tables.receipts(rows)],
                key=lambda row: str(row.receipt),
                columns=document_tables.RECEIPT_COLUMNS,
            ),
            listing,
        )


@command("receipt pdf", "receipt pdf 1007 --to receipt.pdf")
def receipt_pdf(receipt: Receipt, to: To, json: Json = False) -> None:
    """Write a receipt as PDF. The same receipt is always the same file."""
    from core.domain.documents import Format

    _write_receipt(receipt, Format.PDF, to, json=json)


@command("receipt html", "receipt html 1007 --to receipt.html")
def receipt_html(receipt: Receipt, to: To, json: Json = False) -> None:
    """Write a receipt as HTML. The same receipt is always the same file."""
    from core.domain.documents import Format

    _write_receipt(receipt, Format.HTML, to, json=json)


def _write_invoice(number: int, format_: "Format", to: Path, *, json: bool) -> None:
    from activities.documents import invoice_document

    _write(invoice_document, "Invoice", number, format_, to, json=json)


def _write_receipt(number: int, format_: "Format", to: Path, *, json: bool) -> None:
    from activities.documents import receipt_document

    _write(receipt_document, "Receipt", number, format_, to, json=json)


def _write(
    made_of: "Callable[[Ledger, int, Format, Path | None], Document]",
    what: str,
    number: int,
    format_: "Format",
    to: Path,
    *,
    json: bool,
) -> None:
    from doors.commandline.connection import configured, ledger
    from doors.commandline.files import write

    config = configured()
    with ledger(config) as opened:
        made = made_of(opened, number, format_, config.document_templates)
    write(to, made, f"{what} {number}", json=json)


@command(
    "invoice preview",
    "invoice preview --to sample.pdf",
    "invoice preview statement --language ar --to sample.html",
)
def invoice_preview(
    to: To,
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="invoice, credit_note, receipt or statement."),
    ] = "invoice",
    language: Annotated[
        Language, typer.Option(help="The language of the customer.")
    ] = Language.ENGLISH,
    json: Json = False,
) -> None:
    """Write a document with made-up facts. Your own templates are used (docs/documents.md).

    It is HTML if the name of the file ends in .html or .htm, and PDF if it ends in .pdf.
    """
    from doors.commandline import documents_run
    from doors.commandline.connection import configured
    from doors.commandline.output import show

    documents_run.preview(configured(), kind, language, to)
    show({"file": str(to)}, f"The {kind.replace('_', ' ')} is in {to}.", json=json)
