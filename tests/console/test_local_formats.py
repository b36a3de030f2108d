"""Numbers, dates and amounts are those of the visitor's language. The words are English."""

from datetime import date
from decimal import Decimal

import pytest

from activities.number_invoices import number_invoices
from core.domain.profiles import SellerProfile
from core.domain.taxes import TaxRate
from core.ledger import profiles
from doors.console.local_formats import asked_for, formats
from doors.console.rendering import environment
from tests.console.conftest import Desk
from tests.ledger.conftest import LONG_AGO


@pytest.mark.parametrize(
    ("header", "amount", "day", "number"),
    [
        ("", "$1,200.50", "7 Feb 2021", "12,345"),
        ("en-US,en;q=0.9", "$1,200.50", "7 Feb 2021", "12,345"),
        ("de-DE,de;q=0.9,en;q=0.8", "1.200,50\xa0$", "07.02.2021", "12.345"),
        ("de-CH", "$\xa01’200.50", "07.02.2021", "12’345"),
        ("en;q=0.1, fr;q=0.9", "1\u202f200,50\xa0$US", "7 févr. 2021", "12\u202f345"),
        ("ar", "1,200.50\xa0US$", "07/02/2021", "12,345"),
        ("he", "1,200.50\xa0$", "7 בפבר׳ 2021", "12,345"),
        ("xx-YY, ja", "$1,200.50", "2021/02/07", "12,345"),
        ("de;q=0", "$1,200.50", "7 Feb 2021", "12,345"),
        (";;q=,,*;q=x" + "," * 500, "$1,200.50", "7 Feb 2021", "12,345"),
    ],
)
def test_formats_are_those_of_the_first_language_that_is_known(
    header: str, amount: str, day: str, number: str
) -> None:
    with asked_for(header):
        now = formats()
        found = (
            now.money(Decimal("1200.50"), "USD"),
            now.short_date(date(2021, 2, 7)),
            now.number(12_345),
        )
    assert found == (amount, day, number)


async def test_a_page_is_written_in_the_formats_of_its_browser(reading: Desk) -> None:
    shop = reading.shop
    s = await shop.buy()
    reading.client.headers["Accept-Language"] = "de"
    page = await reading.page(f"/subscriptions/{s}")
    assert "14.02.2021" in page
    assert "50,00\xa0$" in (await reading.get(f"/subscriptions/{s}")).text
    reading.client.headers["Accept-Language"] = "ar"
    answer = await reading.get(f"/accounts/wallet/{shop.id('acme')}")
    assert answer.status_code == 200
    assert "950.00" in answer.text
    assert answer.headers["vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("percent", "told", "german"),
    [("20", "VAT 20 %", "VAT 20 %"), ("7.7", "VAT 7.7 %", "VAT 7,7 %")],
)
async def test_the_tax_of_an_invoice_is_a_plain_number(
    reading: Desk, percent: str, told: str, german: str
) -> None:
    """Rule 11.4."""
    shop = reading.shop
    rate = TaxRate(country="DE", since=date(2020, 1, 1), percent=Decimal(percent), name="VAT")
    with shop.perennial.ledger.transaction("tax") as connection:
        profile = SellerProfile(name="Northwind", country="DE")
        profiles.add_seller_profile(connection, "main", profile, at=LONG_AGO, actor="ann")
        profiles.add_tax_rate(connection, "main", rate, at=LONG_AGO, actor="ann")
    await shop.buy()
    number_invoices(shop.perennial.ledger)
    number = shop.sql("SELECT number FROM invoices").scalars().one()
    assert told in await reading.page(f"/invoices/{number}")
    reading.client.headers["Accept-Language"] = "de"
    assert german in await reading.page(f"/invoices/{number}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("paid until 2026-01-12", "Paid until 12 January 2026."),
        ("2026-01-05 is the day (2026-01-06).", "5 January 2026 is the day (6 January 2026)."),
        ("acme-2026-01-05 and 2026-01-05-acme", "Acme-2026-01-05 and 2026-01-05-acme."),
        ("2026-02-30 is no day", "2026-02-30 is no day."),
    ],
)
def test_a_sentence_has_its_days_in_words_but_leaves_ids_as_they_are(text: str, told: str) -> None:
    assert environment().filters["sentence"](text) == told
