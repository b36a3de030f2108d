"""Facts of documents, made up, one for each thing that a document can show."""

import struct
import zlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from core.domain.documents import (
    AnyFacts,
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

DAY = date(2026, 11, 27)
SELLER = SellerProfile(
    name="Northwind Telecom GmbH",
    street="Hafenstraße 12",
    postal_code="20457",
    city="Hamburg",
    country="DE",
    tax_number="DE123456789",
    registration="HRB 4711",
    email="billing@northwind.example",
    payment="IBAN DE02 1203 0000 0000 2020 51",
)
ADA = CustomerProfile(name="Ada Lim", street="1 Raffles Place", city="Singapore", country="SG")
LONG = CustomerProfile(
    name="Gesellschaft für außerordentlich lange Firmennamen und deren Darstellung " * 2,
    city="München",
    country="DE",
    tax_number="DE987654321",
    language=Language.GERMAN,
)
GULF = CustomerProfile(
    name="شركة الخليج للاتصالات", city="دبي", country="AE", language=Language.ARABIC
)
TAX = TaxRate(
    country="DE",
    since=date(2020, 1, 1),
    percent=Decimal(19),
    name="USt.",
    shown=Shown.EXCLUSIVE,
)


def logo(width: int = 240, height: int = 80) -> bytes:
    """A PNG picture of one colour."""

    def part(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x20\x60\xa0" * width) * height
    parts = part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def invoice(
    customer: CustomerProfile, currency: str, *lines: tuple[str, str], **values: Any
) -> InvoiceFacts:
    """An invoice that credits have paid."""
    made = tuple(Line(text=text, amount=Decimal(amount)) for text, amount in lines)
    total = sum((line.amount for line in made), Decimal(0))
    return InvoiceFacts(
        parties=Party(seller=SELLER, customer=customer, account="acme"),
        date=DAY,
        currency=currency,
        lines=made,
        **({"number": "000042", "how": How.CREDITS, "paid": total} | values),
    )


def cases() -> dict[str, AnyFacts]:
    """Facts by name."""
    english = invoice(
        ADA,
        "USD",
        ("s1 primary PRO-M", "50.00"),
        ("s1 number +6561234567 NUM", "10.00"),
        period=(DAY, date(2026, 12, 26)),
    )
    sixty = [
        (f"subscription-{number:03} add-on RECORDING from 2026-11-27 to 2026-12-26", "12.34")
        for number in range(60)
    ]
    arabic = invoice(
        GULF,
        "AED",
        ("s1 primary PRO-M", "50.00"),
        ("s1 number +97141234567 NUM", "7.05"),
        ("مكالمات دولية", "12.12345"),
        tax=replace(TAX, country="AE", percent=Decimal(5), shown=Shown.INCLUSIVE, name="VAT"),
    )
    back = (("s1 refund", "-50.00"), ("s1 administrative fee", "5.00"))
    return {
        "english": english,
        "with a logo": replace(
            english, parties=replace(english.parties, seller=replace(SELLER, logo=logo()))
        ),
        "sixty lines": invoice(
            LONG,
            "EUR",
            *sixty,
            tax=TAX,
            paid=Decimal(100),
            how=How.OVERPAYMENT,
            monthly=True,
        ),
        "arabic": arabic,
        "no minor unit": invoice(replace(ADA, country="JP"), "JPY", ("s1 primary PRO-M", "1200")),
        "three decimals": invoice(GULF, "KWD", ("Top-up", "3.125"), how=How.BANK),
        "credit note": invoice(LONG, "EUR", *back, credit_note=True, credits=("000007",), tax=TAX),
        "statement": StatementFacts(
            parties=arabic.parties,
            days=(date(2026, 11, 1), date(2026, 11, 30)),
            complete=False,
            currency="AED",
            opening=Decimal("100.00"),
            movements=tuple(
                Movement(
                    day=DAY,
                    kind=kind,
                    about="subscription-1",
                    amount=Decimal("-5.00"),
                    balance=Decimal("95.00"),
                )
                for kind in TransactionKind
            ),
            closing=Decimal("95.00"),
        ),
        "receipt": ReceiptFacts(
            parties=english.parties,
            reference="1007",
            date=DAY,
            currency="USD",
            amount=Decimal("100.00"),
            how=How.CARD,
            invoice="000042",
        ),
    }
