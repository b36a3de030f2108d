"""The way in: facts of a document to the bytes of a file.

The same facts give the same bytes, in every process. Nothing here reads a clock, a setting or the
fonts of the machine.
"""

from typing import assert_never

from core.documents import html, pages, pdf, ubl
from core.domain.documents import AnyFacts, Format, InvoiceFacts, NotOffered


def render(facts: AnyFacts, format_: Format) -> bytes:
    """A document as a file: HTML in UTF-8, PDF, or an electronic invoice in XML.

    XML is checked by the official rules of EN 16931. Raises `NotOffered` where they refuse it, and
    for a document that is no invoice or credit note.
    """
    match format_:
        case Format.HTML:
            return html.html(pages.page(facts), facts.parties.seller.logo)
        case Format.PDF:
            return pdf.pdf(pages.page(facts), facts.parties.seller.logo)
        case Format.XML:
            if not isinstance(facts, InvoiceFacts):
                raise NotOffered(
                    "This document is no invoice, so it has no XML. Ask for PDF or HTML."
                )
            try:
                return ubl.checked(facts)
            except ubl.NotValid as error:
                raise NotOffered(str(error)) from None
    assert_never(format_)
