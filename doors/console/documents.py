"""Documents and files: invoices, credit notes, receipts, and what is stored about people."""

from typing import Annotated

from fastapi import Path
from pydantic import BeforeValidator
from starlette.responses import Response, StreamingResponse

from core.domain import inputs
from core.domain.documents import Format
from doors.console.pages import Page, Pages
from doors.console.parameters import PathId
from doors.console.visitors import Visiting
from doors.http.file_headers import MEDIA_TYPES, kept_as, shown_as
from doors.queries.invoices import find_invoice
from doors.queries.personal_data import exported

#: A document in HTML has its style inside. It is shown by itself, and nothing in it runs.
_SEALED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"

pages = Pages()

Number = Annotated[
    int,
    Path(ge=1, le=10**15),
    BeforeValidator(lambda value: inputs.read_whole_text(value, 1, 10**15)),
]


@pages.get("/invoices/{number}", "show_invoice")
async def invoice(visitor: Visiting, number: Number) -> Page:
    """What an invoice or a credit note says."""
    found = await visitor.read(find_invoice, number)
    return Page(template="invoice.html", shows={"it": found, "formats": list(Format)})


@pages.get("/invoices/{format_}/{number}", "show_invoice_document")
async def invoice_file(visitor: Visiting, format_: Format, number: Number) -> Response:
    """An invoice or a credit note as a file."""
    made = await visitor.perennial.invoice_document(number, format_)
    return file_of(made.content, format_, f"invoice-{number:06}")


@pages.get("/receipts-of-money/{format_}/{number}", "show_receipt_document")
async def receipt_file(visitor: Visiting, format_: Format, number: Number) -> Response:
    """A receipt of money that came in, as a file."""
    made = await visitor.perennial.receipt_document(number, format_)
    return file_of(made.content, format_, f"receipt-{number}")


@pages.get("/personal-data/{account:path}", "export_account")
async def personal_data(visitor: Visiting, account: PathId) -> Response:
    """Everything that is stored about an account and its people. The export is in the audit."""
    pieces = await visitor.read(exported, account)
    headers = kept_as("personal-data.json")
    return StreamingResponse(pieces, media_type="application/json", headers=headers)


def file_of(content: bytes, format_: Format, name: str) -> Response:
    """A document as a response. HTML is shown by itself, and nothing in it runs."""
    headers = shown_as(f"{name}.{format_}")
    if format_ is Format.HTML:
        headers["Content-Security-Policy"] = _SEALED
    return Response(content, media_type=MEDIA_TYPES[format_], headers=headers)
