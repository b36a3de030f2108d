"""The time line of a subscription in the console: its picture, the table beside it, its proofs."""

from datetime import UTC, datetime

from activities.registry import Activities
from core.domain.commands.convert import Convert
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from tests.console.conftest import Desk, words_of
from tests.workflows.shop import JANUARY


async def test_rule_13_an_outage_is_drawn_and_proven(reading: Desk) -> None:
    """Due on 7 February, made on the 9th."""
    shop = reading.shop
    s = await shop.buy()
    ledger = shop.perennial.ledger
    engine = Direct(Activities(ledger, shop.gateway))
    back = datetime(2021, 2, 9, 5, tzinfo=UTC)
    await test_clocks.advance(ledger, engine, str(shop.clock), back, outage=True)
    page = (await reading.get(f"/subscriptions/{s}")).text
    assert page.count('class="period late"') == 1
    assert '<span class="swatch late">' in page
    assert 'class="period failed"' not in page
    told = words_of(page)
    assert "outage: 7 February 2021 to 9 February 2021" in told
    assert "7 Feb 2021 9 Feb 2021 Outage" in told
    [proof] = shop.sql("SELECT seq FROM history WHERE event = 'renewed'").scalars()
    link = f'/subscription-history/{s}?after={proof + 1}#h{proof}">history {proof}</a>'
    assert link in page.split("Renewals since the purchase")[1]


async def test_rule_5_4_a_failed_renewal_is_drawn_until_it_is_made(reading: Desk) -> None:
    shop = reading.shop
    await shop.account("poor", opening="60.00")
    s = await shop.buy(account="poor")
    ledger = shop.perennial.ledger
    engine = Direct(Activities(ledger, shop.gateway))
    await test_clocks.advance(ledger, engine, str(shop.clock), datetime(2021, 2, 10, tzinfo=UTC))
    page = (await reading.get(f"/subscriptions/{s}")).text
    assert page.count('class="period failed"') == 1
    assert "7 Feb 2021 10 Feb 2021 Renewal failed" in words_of(page)


async def test_rule_4_3_the_days_of_a_trial_stay_those_of_a_trial(reading: Desk) -> None:
    """The trial of 7 days from 15 January is converted on its first day."""
    shop = reading.shop
    t = await shop.try_out()
    engine = Direct(Activities(shop.perennial.ledger, shop.gateway))
    assert (await engine.command(Convert(subscription=t), JANUARY)).refusal is None
    page = (await reading.get(f"/subscriptions/{t}")).text
    assert (page.count('class="period trial"'), page.count('class="period paid"')) == (1, 1)
    told = words_of(page)
    assert "15 Jan 2021 21 Jan 2021 Trial" in told
    assert "22 Jan 2021 21 Feb 2021 $50.00 paid" in told
