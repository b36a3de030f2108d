"""A page of each kind of document in a language, with made-up facts, to look at a template with."""

from datetime import date
from decimal import Decimal

from core.documents import html, pdf
from core.documents.document_templates import DocumentTemplates
from core.documents.pages import Page, page
from core.domain.documents import (
    AnyFacts,
    Format,
    How,
    InvoiceFacts,
    Line,
    Movement,
    Party,
    ReceiptFacts,
    StatementFacts,
)
from core.domain.languages import Language
from core.domain.profiles import CustomerProfile, SellerProfile
from core.domain.taxes import Shown, TaxRate
from core.domain.transactions import TransactionKind

KINDS = ("invoice", "credit_note", "receipt", "statement")
"""The kinds of documents. Each has a template of its name."""

_DAY = date(2026, 4, 7)
_SELLER = SellerProfile(
    name="Example Telecom",
    street="12 Harbour Street",
    postal_code="20457",
    city="Hamburg",
    country="DE",
    tax_number="DE123456789",
    email="billing@example.com",
    payment="IBAN DE02 1203 0000 0000 2020 51",
)
_LINES = (
    Line(text="s1 primary PRO-M", amount=Decimal("150.00")),
    Line(text="s1 number +6561234567 NUM", amount=Decimal("10.00")),
)
_TAX = TaxRate(
    country="DE",
    since=date(2020, 1, 1),
    percent=Decimal(19),
    name="VAT",
    shown=Shown.EXCLUSIVE,
)


def sample(kind: str, language: Language) -> Page:
    """A page of a kind. Raises KeyError for an unknown kind."""
    customer = CustomerProfile(
        name="Acme Ltd", street="1 Raffles Place", city="Singapore", country="SG", language=language
    )
    return page(_facts(kind, Party(seller=_SELLER, customer=customer, account="acme")))


def drawn(kind: str, language: Language, format_: Format, templates: DocumentTemplates) -> bytes:
    """A sample as HTML or PDF. Raises BadTemplates for one of a seller that does not work."""
    made = sample(kind, language)
    make = html.html if format_ is Format.HTML else pdf.pdf
    return make(made, None, templates)


def _facts(kind: str, parties: Party) -> AnyFacts:
    if kind == "receipt":
        return ReceiptFacts(
            parties=parties,
            reference="1007",
            date=_DAY,
            currency="USD",
            amount=Decimal("100.00"),
            how=How.CARD,
            invoice="000017",
        )
    if kind == "statement":
        moved = Decimal("-150.00")
        return StatementFacts(
            parties=parties,
            days=(date(2026, 4, 1), date(2026, 4, 30)),
            complete=False,
            currency="USD",
            opening=Decimal("200.00"),
            movements=(
                Movement(
                    day=_DAY,
                    kind=TransactionKind.RENEWAL,
                    about="s1",
                    amount=moved,
                    balance=Decimal("50.00"),
                ),
            ),
            closing=Decimal("50.00"),
        )
    back = {"invoice": False, "credit_note": True}[kind]
    lines = _LINES if not back else (Line(text="s1 refund", amount=Decimal("-160.00")),)
    return InvoiceFacts(
        parties=parties,
        date=_DAY,
        currency="USD",
        lines=lines,
        number="000018" if back else "000017",
        how=How.CREDITS,
        paid=Decimal(0) if back else Decimal("100.00"),
        credit_note=back,
        credits=("000017",) if back else (),
        tax=_TAX,
    )
