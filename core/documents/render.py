"""The way in: facts of a document to the bytes of a file.

The same facts and templates give the same bytes, in every process. Nothing here reads a clock, a
setting or the fonts of the machine.
"""

from pathlib import Path
from typing import assert_never

from core.documents import html, pages, pdf, ubl
from core.documents.document_templates import templates_of
from core.documents.own_templates import BadTemplates
from core.domain.documents import AnyFacts, Format, InvoiceFacts, NotOffered


def render(facts: AnyFacts, format_: Format, own: Path | None = None) -> bytes:
    """A document as a file: HTML in UTF-8, PDF, or an electronic invoice in XML.

    `own`: the folder of a seller's own templates. Default: none.

    XML is checked by the official rules of EN 16931. Raises `NotOffered` where they refuse it, for
    XML of what is no invoice or credit note, for a PDF with letters that no font has, and when a
    template of a seller does not work.
    """
    try:
        return _rendered(facts, format_, own)
    except BadTemplates as error:
        raise NotOffered(f"The templates of the seller cannot be used: {error}") from None


def _rendered(facts: AnyFacts, format_: Format, own: Path | None) -> bytes:
    logo = facts.parties.seller.logo
    match format_:
        case Format.HTML:
            return html.html(pages.page(facts), logo, templates_of(own))
        case Format.PDF:
            try:
                return pdf.pdf(pages.page(facts), logo, templates_of(own))
            except pdf.NoFont as error:
                raise NotOffered(
                    f"The PDF has no font for {error}. Ask for HTML, which shows all letters, or "
                    "write the names in Latin, Greek, Cyrillic, Hebrew or Arabic letters."
                ) from None
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
