"""Profiles, taxes and the facts of documents (Rule 11.4)."""

from datetime import date
from decimal import Decimal

import pytest

from core.domain.documents import How, InvoiceFacts, Line, Party
from core.domain.inputs import Wrong
from core.domain.profiles import (
    LARGEST_LOGO,
    CustomerProfile,
    SellerProfile,
    read_country,
    read_logo,
    suffix_of,
)
from core.domain.taxes import Shown, TaxRate, tax_in

VAT = TaxRate(country="DE", since=date(2020, 1, 1), percent=Decimal(19), name="VAT")
PNG, JPEG = b"\x89PNG\r\n\x1a\n...", b"\xff\xd8\xff..."


@pytest.mark.parametrize(
    ("amount", "percent", "currency", "tax"),
    [
        ("50.00", "19", "EUR", "7.98"),  # 50 × 19 / 119 = 7.983…
        ("-50.00", "19", "EUR", "-7.98"),
        ("1200", "10", "JPY", "109"),  # 1200 × 10 / 110 = 109.09…
        ("3.125", "5", "KWD", "0.149"),  # 3.125 × 5 / 105 = 0.1488…
        ("0.03", "100", "EUR", "0.02"),  # 0.03 / 2 = 0.015, half up
        ("10.00", "0", "EUR", "0.00"),
    ],
)
def test_the_tax_in_an_amount_is_rounded_once(
    amount: str, percent: str, currency: str, tax: str
) -> None:
    rate = TaxRate(country="DE", since=date(2020, 1, 1), percent=Decimal(percent), name="VAT")
    assert str(tax_in(Decimal(amount), rate, currency)) == tax


def test_without_a_rate_there_is_no_tax() -> None:
    assert tax_in(Decimal("50.00"), None, "EUR") == 0


def facts(tax: TaxRate | None) -> InvoiceFacts:
    return InvoiceFacts(
        parties=Party(seller=SellerProfile(), customer=CustomerProfile(), account="acme"),
        number="000001",
        date=date(2021, 1, 1),
        currency="EUR",
        lines=(
            Line(text="a", amount=Decimal("50.00")),
            Line(text="b", amount=Decimal("10.00")),
            Line(text="c", amount=Decimal("5.00"), taxed=False),
        ),
        tax=tax,
        paid=Decimal("40.00"),
        how=How.OVERPAYMENT,
    )


def test_the_total_is_the_sum_of_the_lines_and_the_tax_that_of_its_lines() -> None:
    """50 holds 7.98, 10 holds 1.60 and the line without tax none."""
    made = facts(VAT)
    assert (made.total, made.taxes, made.due) == (65, Decimal("9.58"), 25)
    assert facts(None).taxes == 0


def test_lines_are_shown_net_only_where_the_rate_says_so() -> None:
    exclusive = TaxRate(
        country="DE",
        since=date(2020, 1, 1),
        percent=Decimal(19),
        name="VAT",
        shown=Shown.EXCLUSIVE,
    )
    assert [facts(rate).net for rate in (None, VAT, exclusive)] == [False, False, True]


def test_a_country_is_an_iso_3166_code() -> None:
    assert read_country("de") == "DE"
    for wrong in ("XX", "DEU", "", 1, "D"):
        with pytest.raises(Wrong):
            read_country(wrong)


def test_a_logo_is_a_png_or_jpeg_of_at_most_200_000_bytes() -> None:
    assert (suffix_of(read_logo(PNG)), suffix_of(read_logo(JPEG))) == ("png", "jpeg")
    for wrong in (b"GIF89a", b"", PNG + b"x" * LARGEST_LOGO):
        with pytest.raises(Wrong):
            read_logo(wrong)
