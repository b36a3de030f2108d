"""Invoices, credit notes and receipts: lists, what one says, and documents as files."""

from fastapi import Response

from activities.documents import Document
from core.domain.documents import Format
from core.ledger.ledger import Ledger
from doors.http.callers import Calling
from doors.http.file_headers import MEDIA_TYPES, kept_as
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    AfterPosition,
    InvoiceNumber,
    Limit,
    OfAccount,
    Order,
    ReceiptFormat,
    ReceiptNumber,
    Sort,
)
from doors.http.routes import Routes
from doors.queries.invoices import (
    InvoiceDetails,
    InvoiceView,
    ReceiptView,
    find_invoice,
    invoices,
    receipts_of,
)

routes = Routes("invoices")


@routes.get("/invoices", "list_invoices", Listed[InvoiceView])
async def list_invoices(
    caller: Calling,
    account: OfAccount,
    sort: Sort = Order.NEWEST,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[InvoiceView]:
    """Invoices and credit notes of an account, by time (Rule 11.4)."""

    def read(ledger: Ledger) -> Listed[InvoiceView]:
        rows = invoices(ledger, account, newest_first=sort.newest_first, after=after)
        return page_of(rows, limit, lambda row: row.position)

    return await caller.read(read)


@routes.get("/invoices/{invoice}", "show_invoice", InvoiceDetails)
async def show_invoice(caller: Calling, invoice: InvoiceNumber) -> InvoiceDetails:
    """What an invoice or a credit note says: its lines, its tax, what was paid and due."""
    return await caller.read(find_invoice, invoice)


@routes.file("/invoices/{invoice}/{format}", "show_invoice_document", [*MEDIA_TYPES.values()])
async def invoice_document(
    caller: Calling,
    invoice: InvoiceNumber,
    format: Format,  # noqa: A002
) -> Response:
    """An invoice or a credit note as PDF, HTML or XML (EN 16931, UBL 2.1).

    The same invoice is always the same file. `ETag` is its SHA-256.
    """
    made = await caller.perennial.invoice_document(invoice, format)
    return _file(made, format, f"invoice-{invoice}")


@routes.get("/receipts", "list_receipts", Listed[ReceiptView])
async def list_receipts(
    caller: Calling,
    account: OfAccount,
    sort: Sort = Order.NEWEST,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[ReceiptView]:
    """Top-ups, card charges and payments of an account, by time."""

    def read(ledger: Ledger) -> Listed[ReceiptView]:
        rows = receipts_of(ledger, account, newest_first=sort.newest_first, after=after)
        return page_of(rows, limit, lambda row: row.receipt)

    return await caller.read(read)


@routes.file("/receipts/{receipt}/{format}", "show_receipt_document", [*MEDIA_TYPES.values()][:2])
async def receipt_document(
    caller: Calling,
    receipt: ReceiptNumber,
    format: ReceiptFormat,  # noqa: A002
) -> Response:
    """A receipt of money that came in, as PDF or HTML. `ETag` is its SHA-256."""
    made = await caller.perennial.receipt_document(receipt, Format(format))
    return _file(made, Format(format), f"receipt-{receipt}")


def _file(made: Document, format_: Format, name: str) -> Response:
    return Response(
        made.content,
        media_type=MEDIA_TYPES[format_],
        headers={**kept_as(f"{name}.{format_}"), "ETag": f'"{made.sha256}"'},
    )
