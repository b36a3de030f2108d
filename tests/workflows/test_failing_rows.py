"""A row that fails is left alone for growing gaps. It costs little and stops no other row."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.ledger.clocks import machine_now
from core.ledger.due_steps import Due
from doors.application import test_clocks
from doors.service import failing_rows
from doors.service import relay as relay_module
from doors.service.failing_rows import FIRST_GAP, LONGEST_GAP, FailingRows
from doors.service.relay import Relay
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, JANUARY, Shop


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_gaps_grow_to_a_bound_and_every_attempt_is_told() -> None:
    clock, gaps = Clock(), []
    rows = FailingRows("start_missing", clock)
    for _ in range(12):
        with capture_logs() as told:
            rows.failed("s1", ValueError("no\nmore"))
        assert told == [
            {
                "event": "relay_row_failed",
                "log_level": "error",
                "part": "start_missing",
                "subject": "s1",
                "error": "ValueError: no",
                "again_in": told[0]["again_in"],
            }
        ]
        gaps.append(told[0]["again_in"])
        assert rows.waiting() == ["s1"]
        clock.now += gaps[-1]
        assert rows.waiting() == []
    assert gaps[:4] == [FIRST_GAP, 2 * FIRST_GAP, 4 * FIRST_GAP, 8 * FIRST_GAP]
    assert gaps[-1] == LONGEST_GAP


def test_a_row_that_is_well_again_is_forgotten() -> None:
    clock = Clock()
    rows = FailingRows("notices", clock)
    rows.failed("1", ValueError("no"))
    clock.now += 2 * FIRST_GAP
    assert rows.waiting() == []
    with capture_logs() as told:
        rows.failed("1", ValueError("no"))
    assert told[0]["again_in"] == FIRST_GAP


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing_rows, "MOST_ROWS", 3)
    rows = FailingRows("notices", Clock())
    for n in range(5):
        rows.failed(str(n), ValueError("no"))
    assert rows.waiting() == ["2", "3", "4"]


@pytest.fixture
async def real(open_shop: OpenShop) -> Any:
    """A shop by the machine's clock, without workers."""
    async with open_shop(clock=False, workers=()) as shop:
        await shop.account()
        yield shop


def poison(shop: Shop, subscription: str) -> None:
    """Let the row name a policy that does not exist, as after a restore from a damaged backup."""
    shop.sql("UPDATE subscriptions SET policy_version = 99 WHERE id = :id", id=subscription)


async def test_one_row_that_cannot_be_read_does_not_stop_the_start_of_the_others(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions = [await real.bought(machine_now(), f"s{n}", start=False) for n in range(9)]
    snapshots = real.perennial.ledger.snapshots

    def poisoned(ids: Any, now: Any) -> Any:
        if subscriptions[4] in ids:
            raise ValueError("the row cannot be read")
        return snapshots(ids, now)

    monkeypatch.setattr(real.perennial.ledger, "snapshots", poisoned)
    relay, clock = Relay(real.perennial), Clock()
    relay._unstartable.now = clock
    with capture_logs() as told:
        done = await relay.once()
    assert (done.started, done.numbered, done.failed) == (8, 9, 0)
    assert [(line["part"], line["subject"]) for line in failures(told)] == [
        ("start_missing", subscriptions[4])
    ]
    with capture_logs() as told:
        assert (await relay.once()).started == 0
    assert failures(told) == []
    clock.now += FIRST_GAP
    with capture_logs() as told:
        assert (await relay.once()).started == 0
    assert [line["again_in"] for line in failures(told)] == [2 * FIRST_GAP]
    monkeypatch.undo()
    clock.now += 2 * FIRST_GAP
    assert (await relay.once()).started == 1


async def test_one_workflow_that_cannot_be_started_does_not_stop_the_others(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions = [await real.bought(machine_now(), f"s{n}", start=False) for n in range(5)]
    start = real.perennial._start

    async def refused(name: str, given: Any, workflow: str, memo: dict[str, str]) -> None:
        if given.snapshot.subscription.id == subscriptions[0]:
            raise ValueError("the payload is too large")
        await start(name, given, workflow, memo)

    monkeypatch.setattr(real.perennial, "_start", refused)
    with capture_logs() as told:
        assert (await Relay(real.perennial).once()).started == 4
    assert [line["subject"] for line in failures(told)] == [subscriptions[0]]
    with pytest.raises(ValueError, match="too large"):
        await real.perennial.start(subscriptions[0])


async def test_one_notice_that_cannot_be_sent_does_not_stop_the_others(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions = [await real.bought(machine_now(), f"s{n}", start=False) for n in range(6)]
    poison(real, subscriptions[2])
    later = machine_now() + timedelta(days=20)
    monkeypatch.setattr(relay_module, "machine_now", lambda: later)
    relay = Relay(real.perennial)
    with capture_logs() as told:
        assert await relay.notices() == 5
        assert await relay.notices() == 0
    assert {line["part"] for line in failures(told)} == {"notices"}
    assert len({line["subject"] for line in failures(told)}) == len(failures(told)) >= 1


async def test_one_seller_whose_invoices_cannot_be_numbered_does_not_stop_the_others(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await real.bought(machine_now(), start=False)
    real.sql("INSERT INTO sellers SELECT 'a-poison', catalog_revision, policy_version FROM sellers")
    real.sql(
        "INSERT INTO invoices (id, seller, account, operation, kind, date, currency, total, lines) "
        "SELECT -1, 'a-poison', account, -1, kind, date, currency, total, lines FROM invoices"
    )
    number = relay_module.number_invoices_of

    def poisoned(ledger: Any, seller: str) -> int:
        if seller == "a-poison":
            raise ValueError("two invoices have one number")
        return number(ledger, seller)

    monkeypatch.setattr(relay_module, "number_invoices_of", poisoned)
    with capture_logs() as told:
        assert await Relay(real.perennial).number() == 1
    assert [(line["part"], line["subject"]) for line in failures(told)] == [
        ("invoices", "a-poison")
    ]


class Takes:
    """Takes the steps of a clock by the calls of the engine. Those of one account raise."""

    def __init__(self, shop: Shop, poison: str) -> None:
        from doors.application.direct_engine import Direct

        self.engine = Direct(shop.perennial.activities)
        self.poison: str | None = poison

    async def take(self, item: Due, now: Any) -> Any:
        if item.account == self.poison:
            raise ValueError("poison")
        return await self.engine.take(item, now)


@pytest.mark.parametrize("at_once", [1, 4])
async def test_one_account_that_raises_does_not_stop_a_test_clock(
    closed: Shop, at_once: int
) -> None:
    names = [f"a{n}" for n in range(3)]
    for name in names:
        await closed.account(name)
    bought = {n: await closed.bought(JANUARY, f"s-{n}", account=n, start=False) for n in names}
    assert closed.clock
    takes = Takes(closed, closed.id("a1"))
    ledger, until = closed.perennial.ledger, FEBRUARY.replace(day=20)

    async def advance(to: Any) -> None:
        await test_clocks.advance(ledger, takes, closed.clock or "", to, at_once=at_once)

    with pytest.raises(test_clocks.Unfinished, match=r"a1-.*: ValueError: poison") as raised:
        await advance(until)
    assert list(raised.value.errors) == [closed.id("a1")]
    assert test_clocks.now_of(ledger, closed.clock) == until
    renewed = {n: "renewed" in closed.events(s) for n, s in bought.items()}
    assert renewed == {"a0": True, "a1": False, "a2": True}
    takes.poison = None
    await advance(until)
    assert closed.events(bought["a1"])[-1] in {"expired", "renewed"}


async def test_a_server_that_is_away_ends_the_advance_of_a_test_clock(closed: Shop) -> None:
    await closed.account()
    await closed.bought(JANUARY, start=False)

    class Away:
        async def take(self, item: Due, now: Any) -> Any:
            raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        await test_clocks.advance(
            closed.perennial.ledger, Away(), closed.clock or "", FEBRUARY.replace(day=20)
        )


def failures(told: Any) -> list[Any]:
    """The events of rows that have failed."""
    return [line for line in told if line["event"] == "relay_row_failed"]
