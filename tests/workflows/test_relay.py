"""The relay does what follows a commit, even if the process that committed has died."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from temporalio.service import RPCError, RPCStatusCode

from core.domain.commands.purchase import Purchase
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.commands.usage import Usage
from core.ledger.clocks import machine_now
from doors.service import relay as module
from doors.service.reconciliation import ensure_schedule, schedule_id
from doors.service.relay import Pass, Relay, repeated
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import JANUARY, Shop


@pytest.fixture
async def real(open_shop: OpenShop) -> Any:
    """A shop by the machine's clock, with all workers."""
    async with open_shop(clock=False) as shop:
        await shop.account()
        yield shop


async def test_a_purchase_whose_sender_died_before_the_start_is_started(real: Shop) -> None:
    s = await real.bought(machine_now() - timedelta(days=28), start=False)
    done = await Relay(real.perennial).once()
    assert (done.started, done.failed) == (1, 0)
    await real.until(s, lambda: "renewed" in real.events(s))
    assert (await Relay(real.perennial).once()).started == 0


async def test_a_purchase_while_temporal_is_away_is_done_and_started_later(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise RPCError("no connection", RPCStatusCode.UNAVAILABLE, b"")

    with monkeypatch.context() as patch:
        patch.setattr(real.perennial.temporal, "start_workflow", away)
        s = await real.buy()
    assert real.balance() == "950.00"
    assert (await Relay(real.perennial).once()).started == 1
    assert (await real.perennial.state(s)).subscription.id == s


async def test_the_same_purchase_sent_again_starts_the_workflow_too(real: Shop) -> None:
    s = await real.bought(machine_now(), start=False)
    command = Purchase(
        subscription=s, account=real.id("acme"), sku="PRO", request_id=real.id("buy-s")
    )
    assert (await real.perennial.do(command)).replayed
    assert (await real.perennial.state(s)).subscription.id == s
    assert real.balance() == "950.00"


async def test_a_command_on_a_subscription_that_was_not_started_starts_it(real: Shop) -> None:
    s = await real.bought(machine_now(), start=False)
    assert (await real.perennial.do(Unsubscribe(subscription=s, request_id="u"))).refusal is None
    assert not (await real.perennial.state(s)).subscription.auto_renew


async def test_two_relays_start_each_workflow_once(real: Shop) -> None:
    subscriptions = [await real.bought(machine_now(), f"s{n}", start=False) for n in range(10)]
    await asyncio.gather(*(Relay(real.perennial).start_missing() for _ in range(2)))
    for s in subscriptions:
        assert (await real.settled(s)).count("WorkflowExecutionStarted") == 1


async def test_notices_of_real_accounts_are_sent_when_they_are_due(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = await real.bought(machine_now() - timedelta(days=10), start=False)
    relay = Relay(real.perennial)
    assert await relay.notices() == 0
    # The notice is due a week before the renewal, which is a week before the end.
    later = machine_now() + timedelta(days=8)
    monkeypatch.setattr(module, "machine_now", lambda: later)
    assert await relay.notices() == 1
    assert await relay.notices() == 0
    assert real.events(s) == ["purchased", "notice_renewal"]


async def test_notices_of_a_test_clock_wait_for_their_clock(closed: Shop) -> None:
    await closed.account()
    s = await closed.bought(JANUARY, start=False)
    assert await Relay(closed.perennial).notices() == 0
    assert closed.events(s) == ["purchased"]


async def test_two_relays_send_each_notice_once(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(8):
        await real.bought(machine_now(), f"s{n}", start=False)
    later = machine_now() + timedelta(days=20)
    monkeypatch.setattr(module, "machine_now", lambda: later)
    await asyncio.gather(*(Relay(real.perennial).notices() for _ in range(3)))
    assert real.events().count("notice_renewal") == 8


async def test_invoices_are_numbered(real: Shop) -> None:
    for n in range(3):
        await real.bought(machine_now(), f"s{n}", start=False)
    assert (await Relay(real.perennial).once()).numbered == 3
    assert real.sql("SELECT array_agg(number ORDER BY number) FROM invoices").scalar_one() == [
        1,
        2,
        3,
    ]


async def test_monthly_invoices_that_are_due_are_made_once_and_the_workflow_is_told_rule_11_4(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await real.bought(machine_now(), start=False)
    used = Usage(account=real.id("acme"), amount=Decimal("0.12345"), text="calls")
    assert (await real.perennial.do(used)).refusal is None
    assert await Relay(real.perennial).month_ends() == 0
    later = machine_now() + timedelta(days=32)
    monkeypatch.setattr(module, "machine_now", lambda: later)
    made = await asyncio.gather(*(Relay(real.perennial).month_ends() for _ in range(3)))
    assert sum(made) == 1
    monthly = "SELECT count(*) FROM invoices WHERE kind = 'monthly'"
    assert real.sql(monthly).scalar_one() == 1
    told = "SELECT count(*) FROM tellings WHERE subject_kind = 'account'"
    assert real.sql(told).scalar_one() == 1


async def test_a_part_that_fails_does_not_stop_the_other_parts(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await real.bought(machine_now(), start=False)

    async def away(*_: Any) -> int:
        raise OperationalError("SELECT", {}, ConnectionError("gone"))

    monkeypatch.setattr(real.perennial, "start_missing", away)
    assert await Relay(real.perennial).once() == Pass(started=0, notices=0, numbered=1, failed=1)


async def test_it_backs_off_while_a_server_is_away_and_continues_when_it_is_back() -> None:
    outcomes = iter([Pass(failed=1)] * 9 + [Pass(), Pass()])
    pauses: list[float] = []

    async def once() -> Pass:
        try:
            return next(outcomes)
        except StopIteration:
            raise asyncio.CancelledError from None

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    with pytest.raises(asyncio.CancelledError):
        await repeated(once, 5.0, pause)
    assert pauses == [10, 20, 40, 60, 60, 60, 60, 60, 60, 5, 5]


async def test_passes_go_on_while_a_large_account_is_erased(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasing, passed = asyncio.Event(), asyncio.Event()

    async def erase() -> int:
        erasing.set()
        return await asyncio.get_running_loop().create_future()  # It never ends.

    async def pause(_: float) -> None:
        await erasing.wait()
        passed.set()

    relay = Relay(real.perennial)
    monkeypatch.setattr(relay, "erasures", erase)
    running = asyncio.create_task(relay.run(pause))
    await passed.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_schedule_is_created_once_and_follows_the_settings(open_shop: OpenShop) -> None:
    async with open_shop(clock=False, workers=()) as shop:
        await asyncio.gather(ensure_schedule(shop.perennial), ensure_schedule(shop.perennial))
        handle = shop.perennial.temporal.get_schedule_handle(schedule_id(shop.config.task_queue))
        assert (await handle.describe()).schedule.spec.intervals[0].every == timedelta(hours=1)
        object.__setattr__(shop.config, "reconcile_seconds", 600)
        await ensure_schedule(shop.perennial)
        assert (await handle.describe()).schedule.spec.intervals[0].every == timedelta(minutes=10)
        await handle.delete()
