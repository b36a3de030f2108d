"""The panel of an account plays assumptions, and shows both futures side by side."""

import pytest

from core.domain.roles import Role
from doors.http import what_if
from tests.console.conftest import Desk, words_of


async def test_both_futures_stand_side_by_side_and_nothing_happens(reading: Desk) -> None:
    """It has 70.00 after the purchase: one renewal is paid, and the next one is not."""
    shop = reading.shop
    account = await shop.account("poor", opening="120.00")
    subscription = await shop.buy(account="poor")
    path, before = f"/accounts/what_if/{account}", shop.events(subscription)
    blank = await reading.page(f"{path}?card_dies=&sku=&months=3", Role.SUPPORT)
    assert "Fill in what you assume" in blank
    assert "How it ends" not in blank
    answer = await reading.get(f"{path}?months=3&top_up_on=2021-02-20&top_up=500")
    page = words_of(answer.text)
    assert answer.status_code == 200, page
    assert "Balance, now $70.00" in page
    assert "Topped up 0 1" in page
    assert "Renewal failed" in page
    assert answer.text.count("<polyline") == 2
    assert "style=" not in answer.text
    assert shop.events(subscription) == before
    priced = await reading.page(f"{path}?months=1&price_on=2021-01-20&sku=PRO&price=70.01")
    assert "Renewed 1 0" in priced
    late = await reading.page(f"{path}?months=3&outage_from=2021-02-01&outage_to=2021-02-10")
    assert "What changes" in late


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("top_up_on=2021-02-20", "Top-up: fill in the whole row, or leave it blank"),
        ("top_up_on=2021-02-20&top_up=much", "amount"),
        ("card_dies=2020-01-01", "is past"),
        ("price_on=2021-02-01&sku=UNKNOWN&price=5", "UNKNOWN"),
        ("outage_from=2021-02-20&outage_to=2021-02-01", "outage"),
    ],
)
async def test_what_is_filled_in_wrongly_is_told_beside_the_form(
    reading: Desk, query: str, told: str
) -> None:
    path = f"/accounts/what_if/{reading.shop.id('acme')}"
    answer = await reading.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert "Fill in what you assume" in answer.text
    assert told in words_of(answer.text)


async def test_an_account_that_is_too_large_is_told_another_way(
    reading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reading.shop.buy()
    monkeypatch.setattr(what_if, "MOST_PLAYED", 5)
    path = f"/accounts/what_if/{reading.shop.id('acme')}"
    answer = await reading.get(f"{path}?months=6&card_dies=2021-02-01")
    assert answer.status_code == 400
    assert "starter.py forecast" in words_of(answer.text)
