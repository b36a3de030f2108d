"""Numbers have steps and no workflow (Rules 10.2, 10.3): the relay and test clocks run them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.domain.numbers import Cause, Wanted
from core.domain.steps import SubjectKind
from core.ledger import due_steps, numbers
from core.ledger.clocks import machine_now
from doors.service import relay as module
from doors.service.failing_rows import FIRST_GAP
from doors.service.relay import Relay
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, JANUARY, Shop
from tests.workflows.test_failing_rows import Clock, failures


@pytest.fixture
async def real(open_shop: OpenShop) -> Any:
    """A shop by the machine's clock, without workers."""
    async with open_shop(clock=False, workers=()) as shop:
        await shop.account()
        yield shop


def hold(
    shop: Shop, subscription: str, *names: str, cause: Cause = Cause.REMOVED, now: datetime
) -> None:
    """Take numbers into use and give them back at once."""
    ledger = shop._activities(now).ledger
    with ledger.work(now, subscription=subscription) as work:
        numbers.take(work, subscription, [Wanted(number=name, sku="DID") for name in names])
    with ledger.work(now, subscription=subscription) as work:
        numbers.give_back(work, subscription, cause, names)


def states(shop: Shop) -> list[str]:
    """The states of the numbers, in their order."""
    return list(shop.sql("SELECT state FROM numbers ORDER BY number").scalars())


async def test_the_relay_reminds_and_releases(real: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    now = machine_now()
    s = await real.bought(now, start=False)
    hold(real, s, "+491", "+492", now=now)
    relay = Relay(real.perennial)
    assert await relay.numbers() == 0
    for days, events in ((22, ["number_hold_ending"] * 2), (29, ["number_released"] * 2)):
        later = now + timedelta(days=days)
        real.perennial.ledger.machine_now = lambda later=later: later  # type: ignore[misc]
        monkeypatch.setattr(module, "machine_now", lambda later=later: later)
        real.sql("DELETE FROM steps WHERE subject_kind = 'subscription'")
        assert await relay.numbers() == 2
        assert await relay.numbers() == 0
        assert real.events(s)[-2:] == events
    assert states(real) == ["free", "free"]


async def test_two_relays_release_each_number_once(real: Shop) -> None:
    long_ago = machine_now() - timedelta(days=3)
    s = await real.bought(long_ago, start=False)
    hold(real, s, *(f"+49{n}" for n in range(6)), cause=Cause.SWAPPED, now=long_ago)
    await asyncio.gather(*(Relay(real.perennial).numbers() for _ in range(3)))
    assert real.events(s).count("number_released") == 6
    assert states(real) == ["free"] * 6


async def test_rule_1_7_what_is_due_before_is_taken_along(real: Shop) -> None:
    """The subscription renews before the number is released, without its workflow."""
    long_ago = machine_now() - timedelta(days=25)
    s = await real.bought(long_ago, start=False)
    hold(real, s, "+491", cause=Cause.SWAPPED, now=long_ago)
    later = long_ago + timedelta(days=22)
    hold(real, s, "+492", cause=Cause.SWAPPED, now=later)
    assert await Relay(real.perennial).numbers() >= 1
    assert states(real) == ["free", "free"]


async def test_a_number_waits_an_hour_for_a_step_that_needs_a_card(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await real.account("poor", opening="50.00", card="tok_ok")
    now = machine_now()
    bought = now - timedelta(days=25)
    s = await real.bought(bought, account="poor", start=False)
    swapped = bought + timedelta(days=22)
    hold(real, s, "+491", cause=Cause.SWAPPED, now=swapped)
    due = real.sql("SELECT due FROM steps WHERE subject_kind = 'number'").scalar_one()
    relay = Relay(real.perennial)
    monkeypatch.setattr(module, "machine_now", lambda: due + timedelta(minutes=59))
    before = real.sql("SELECT due FROM steps WHERE subject_kind = 'subscription'").scalar_one()
    assert before <= due
    assert await relay.numbers() == 0
    assert states(real) == ["held"]
    monkeypatch.setattr(module, "machine_now", lambda: due + timedelta(minutes=61))
    assert await relay.numbers() == 1
    assert states(real) == ["free"]


async def test_one_number_that_fails_does_not_stop_the_others(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = machine_now() - timedelta(days=3)
    s = await real.bought(long_ago, start=False)
    hold(real, s, "+491", "+492", "+493", cause=Cause.SWAPPED, now=long_ago)
    call = real.perennial.activities.call

    def failing(name: str, request: Any) -> Any:
        if request.subject.id.endswith("+492"):
            raise ValueError("the row cannot be read")
        return call(name, request)

    monkeypatch.setattr(real.perennial.activities, "call", failing)
    # They are released one by one, without those that come before.
    monkeypatch.setattr(module, "_LONGEST_WAIT", timedelta(0))
    relay, clock = Relay(real.perennial), Clock()
    relay._untakeable.now = clock
    with capture_logs() as told:
        assert await relay.numbers() == 2
    assert [(line["part"], line["subject"]) for line in failures(told)] == [
        ("numbers", "main/+492")
    ]
    assert states(real) == ["free", "held", "free"]
    monkeypatch.undo()
    assert await relay.numbers() == 0
    clock.now += FIRST_GAP
    assert await relay.numbers() == 1
    assert states(real) == ["free"] * 3


async def test_a_test_clock_runs_the_steps_of_numbers_in_order(shop: Shop) -> None:
    await shop.account()
    s = await shop.buy()
    hold(shop, s, "+492", "+491", cause=Cause.EXPIRED, now=JANUARY)
    await shop.perennial.advance(str(shop.clock), datetime(2021, 3, 11, 23, tzinfo=UTC))
    assert states(shop) == ["held", "held"]
    assert shop.events(s).count("number_hold_ending") == 2
    await shop.advance(2021, 3, 12)  # 01-14 + 57
    assert states(shop) == ["free", "free"]
    told = shop.sql(
        "SELECT facts->>'number' FROM history WHERE event = 'number_released' ORDER BY seq"
    )
    assert list(told.scalars()) == ["+491", "+492"]
    assert await Relay(shop.perennial).numbers() == 0


async def test_a_release_on_a_test_clock_waits_for_a_renewal_by_card(shop: Shop) -> None:
    """The workflow of the account runs the renewal, which needs a card charge, before it."""
    await shop.account(opening="50.00", card="sim_ok")
    s = await shop.buy()
    hold(shop, s, "+491", cause=Cause.SWAPPED, now=FEBRUARY - timedelta(days=2))
    shop.set_clock(FEBRUARY)
    with shop.perennial.ledger.read() as connection:
        due = due_steps.due_at(connection, str(shop.clock), FEBRUARY)
    [release] = [item for item in due if item.subject.kind is SubjectKind.NUMBER]
    await shop.perennial.take_step_of_number(release, FEBRUARY)
    assert states(shop) == ["free"]
    assert shop.events()[-3:] == ["card_charged", "renewed", "number_released"]
