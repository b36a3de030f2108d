"""Who would renew differently under new terms: the sample, both futures, and nothing happens."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain import policy as policies
from core.domain.events import Event
from core.domain.roles import Role
from core.ledger import term_effects
from core.ledger.clocks import machine_now
from doors.application.effect_words import sample_words
from doors.application.terms_effect import (
    Effect,
    EffectRow,
    GrowingEffect,
    NewTerms,
    Sampling,
    draw,
    effect_of,
)
from tests.console.conftest import Desk, words_of
from tests.console.test_terms_editors import POLICY, SKUS, checked, fields_of, later

EARLIER = NewTerms(policy=policies.load({"renewal_lead_days": 10}))
DEARER = NewTerms(entries=({"sku": "PRO", "from": "2021-03-01", "prices": {"USD": "60.00"}},))


def effect(desk: Desk, terms: NewTerms, **changes: Any) -> Effect:
    """The effect of terms on the accounts of the shop."""
    sampling = Sampling(clock=desk.shop.clock, **changes)
    return effect_of(desk.shop.perennial.ledger, terms, sampling, seconds=60)


def told(row: EffectRow) -> list[list[tuple[date, Event, Decimal | None]]]:
    """Both futures of a row."""
    return [[(it.date, it.event, it.amount) for it in side] for side in (row.without, row.under)]


async def test_rule_14_a_policy_shows_from_the_expiry_date_on_that_is_set_next(
    reading: Desk,
) -> None:
    """E 02-14 follows the old policy and renews on 02-07. E 03-14 is set then: 03-14 − 10."""
    s = await reading.shop.buy()
    before = reading.shop.events(s)
    found = effect(reading, EARLIER)
    assert [(row.subscription, row.account) for row in found.rows] == [(s, reading.shop.id("acme"))]
    fifty = Decimal(-50)
    assert told(found.rows[0]) == [
        [(date(2021, 2, 7), Event.RENEWED, fifty), (date(2021, 3, 7), Event.RENEWED, fifty)],
        [(date(2021, 2, 7), Event.RENEWED, fifty), (date(2021, 3, 4), Event.RENEWED, fifty)],
    ]
    row = found.rows[0]
    assert (row.dates, row.fees, row.outcomes) == (True, False, False)
    assert [(it.without, it.under) for it in found.sums] == [(Decimal(100), Decimal(100))]
    assert reading.shop.events(s) == before
    assert not effect(reading, NewTerms(policy=policies.DEFAULT)).differing
    assert not effect(reading, EARLIER, months=1).differing, "the next renewal stays as it is"


async def test_rule_3_5_a_new_price_shows_in_the_fee_and_in_who_can_pay_no_longer(
    reading: Desk,
) -> None:
    """150.00 opens 'tight': 50.00 for the purchase, 50.00 on 02-07, and 50.00 are left."""
    await reading.shop.account("tight", opening="150.00")
    rich = await reading.shop.buy("rich")
    tight = await reading.shop.buy("tight", account="tight")
    found = {row.subscription: row for row in effect(reading, DEARER).rows}
    assert told(found[rich])[1][1] == (date(2021, 3, 7), Event.RENEWED, Decimal(-60))
    assert (found[rich].fees, found[rich].outcomes) == (True, False)
    assert told(found[tight])[0][1] == (date(2021, 3, 7), Event.RENEWED, Decimal(-50))
    assert found[tight].under[1].event is Event.RENEWAL_FAILED
    assert found[tight].outcomes
    both = effect(reading, DEARER)
    assert both.differing == 2
    assert both.failed_without == 0
    assert both.failed_under > 0
    assert [(it.without, it.under) for it in both.sums] == [(Decimal(200), Decimal(160))]


async def test_a_draw_can_be_repeated_is_bounded_and_says_how_it_was_drawn(reading: Desk) -> None:
    ledger, clock = reading.shop.perennial.ledger, reading.shop.clock
    for number in range(6):
        await reading.shop.account(f"a{number}")
        await reading.shop.buy(f"s{number}", account=f"a{number}")
    draws = [draw(ledger, Sampling(accounts=3, draw=n, clock=clock)) for n in range(1, 21)]
    assert draws[0] == draw(ledger, Sampling(accounts=3, draw=1, clock=clock))
    assert (len(draws[0].accounts), draws[0].of) == (3, 7)
    assert len({one.accounts for one in draws}) > 1, "by the ids two may be the same, not twenty"
    assert draw(ledger, Sampling()).accounts == (), "accounts on a test clock are not real ones"
    whole = draw(ledger, Sampling(clock=clock))
    assert reading.shop.id("acme") not in whole.accounts, "nothing of it renews"
    assert len(whole.accounts) == 6
    found = effect(reading, EARLIER, accounts=2)
    assert found.played == 2
    assert f"from the 7 on {clock}, of those that renew within 2 months" in sample_words(found)
    late = effect_of(ledger, EARLIER, Sampling(clock=clock), seconds=-1)
    assert (late.played, "because" in sample_words(late)) == (0, True)
    with pytest.raises(LookupError):
        draw(ledger, Sampling(clock="none"))


async def ask(desk: Desk, html: str, of: str = POLICY, **changes: str) -> Any:
    """Ask for the effect of a draft that a page shows, and wait until it is there."""
    form = fields_of(html, f"{of}/effect") | {"clock": str(desk.shop.clock), "months": "2"}
    answer = await desk.send(f"{of}/effect", form | changes)
    app: Any = desk.client._transport
    await app.app.state.effects.finished()
    return answer


async def test_the_effect_of_a_draft_is_worked_out_behind_and_shown(reading: Desk) -> None:
    s = await reading.shop.buy()
    draft = await checked(reading, {"renewal_lead_days": "10"})
    answer = await ask(reading, draft)
    assert answer.status_code == 303, words_of(answer.text)
    again = await reading.send(
        f"{POLICY}/effect", fields_of(draft, f"{POLICY}/effect") | {"clock": ""}
    )
    place = answer.headers["location"]
    assert again.headers["location"] == place, "a double click asks once"
    page = await reading.page(place)
    assert "Renew differently 1 of 1" in page
    assert "On other dates 1" in page
    assert "7 March 2021 renewed -$50.00" in page
    assert "4 March 2021 renewed -$50.00" in page
    assert "Paid for cycles in USD $100.00 $100.00" in page
    file = await reading.get(place.replace("/effects/", "/effect-csv/"))
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [(it["subscription"], it["today_date"], it["new_date"]) for it in rows] == [
        (s, "2021-02-07", "2021-02-07"),
        (s, "2021-03-07", "2021-03-04"),
    ]
    assert {it["differs"] for it in rows} == {"yes"}
    shown = await reading.get(place)
    back = await reading.send(f"{POLICY}/check", fields_of(shown.text, f"{POLICY}/check"))
    assert "Renewal lead days 7 10" in words_of(back.text)
    for role in (Role.SUPPORT, Role.FINANCE):
        assert (await reading.get(place, role)).status_code == 403
    assert (await reading.get(place, seller="other")).status_code == 404
    assert (await reading.get("/terms/effects/none")).status_code == 404


async def test_the_effect_of_a_price_is_shown(reading: Desk) -> None:
    await reading.shop.buy()
    draft = await later(reading, prices="USD 60.00")
    answer = await ask(reading, draft.text, SKUS)
    page = await reading.page(answer.headers["location"])
    assert "For another fee 1" in page
    assert "7 March 2021 renewed -$60.00" in page
    unknown = fields_of(draft.text, f"{SKUS}/effect") | {"clock": "none", "effect": "e2"}
    assert (await reading.send(f"{SKUS}/effect", unknown)).status_code == 404


async def test_an_effect_that_fails_or_is_interrupted_says_so(
    reading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reading.shop.buy()
    draft = await checked(reading, {"renewal_lead_days": "10"})
    with monkeypatch.context() as patched:

        def fail(*_: Any) -> None:
            raise RuntimeError("the disk is full")

        patched.setattr(GrowingEffect, "add", fail)
        failed = await ask(reading, draft)
    page = await reading.page(failed.headers["location"])
    assert "It could not be worked out. The disk is full." in page
    assert "Ask again" in page
    ledger = reading.shop.perennial.ledger
    stored = {"seen": "1"}
    term_effects.ask(ledger, "e1", "policy", stored, by="ann", now=machine_now())
    term_effects.tell(ledger, "e1", 3, 9, machine_now())
    running = await reading.get("/terms/effects/e1")
    assert "3 of 9 accounts are played" in words_of(running.text)
    assert "data-running" in running.text
    early = await reading.get("/terms/effect-csv/e1")
    assert (early.status_code, "is not there yet" in early.text) == (400, True)
    term_effects.tell(ledger, "e1", 3, 9, machine_now() - 2 * term_effects.SILENT)
    assert "It was interrupted" in await reading.page("/terms/effects/e1")


async def test_few_effects_run_at_once_and_the_newest_are_kept(reading: Desk) -> None:
    ledger, now = reading.shop.perennial.ledger, machine_now()
    for number in range(term_effects.KEPT + 3):
        term_effects.ask(ledger, f"old{number}", "policy", {}, by="ann", now=now)
        term_effects.end(ledger, f"old{number}", now, error="none")
    kept = reading.shop.sql("SELECT count(*) FROM term_effects").scalar()
    assert kept == term_effects.KEPT
    later_on = now + timedelta(days=1)
    for number in range(term_effects.AT_ONCE):
        term_effects.ask(ledger, f"new{number}", "policy", {}, by="ann", now=later_on)
    draft = await checked(reading, {"renewal_lead_days": "10"})
    many = await ask(reading, draft)
    assert many.status_code == 400
    assert "wait until one of them is there" in words_of(many.text)
