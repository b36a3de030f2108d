"""Steps in the database: one for each living subscription, in the order of Rule 1.7."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from core.domain.commands.terminate import Terminate
from core.domain.planner import next_step as planner
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind, Subject, SubjectKind, of_subscription
from core.ledger import unit_of_work
from core.ledger.double_entry import Purpose
from core.ledger.due_steps import due_at, first_of
from core.ledger.tables import SubscriptionRow
from core.protocol.activity_messages import DueStep, Outcome, Passed, StepRequest
from tests.ledger.conftest import DAY, Shop

RENEWAL = datetime(2021, 3, 24, tzinfo=UTC)
ACME = Subject(SubjectKind.ACCOUNT, "acme")


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM steps WHERE subject = 's1'",
        "UPDATE steps SET subject = 's9' WHERE subject = 's1'",
        "UPDATE subscriptions SET status = 'TERMINATED' WHERE id = 's1'",
        "UPDATE subscriptions SET status = 'ACTIVE' WHERE id = 's2'",
        "INSERT INTO steps SELECT subject_kind, 's2', account, clock, kind, rank, by_date, due, "
        "rule, why, version FROM steps",
        "INSERT INTO steps SELECT subject_kind, 's9', account, clock, kind, rank, by_date, due, "
        "rule, why, version FROM steps",
        "UPDATE steps SET kind = 'sleep'",
        "UPDATE steps SET rank = 3",
        "UPDATE steps SET rule = '99'",
    ],
)
def test_a_living_subscription_has_a_next_step_and_a_terminated_one_has_none(
    shop: Shop, change: str
) -> None:
    shop.open()
    shop.buy("s1")
    shop.buy("s2")
    shop.do(Terminate(subscription="s2", reason="closed"))
    assert shop.rows("SELECT subject FROM steps") == [("s1",)]
    before = shop.rows("SELECT * FROM steps")
    with pytest.raises(IntegrityError):
        shop.run(change)
    assert shop.rows("SELECT * FROM steps") == before


def test_the_guard_looks_at_the_end_of_the_transaction(shop: Shop) -> None:
    shop.open()
    shop.buy()
    shop.run("UPDATE subscriptions SET status = 'TERMINATED'; DELETE FROM steps")
    assert shop.value("SELECT count(*) FROM steps") == 0


def test_the_planner_is_asked_once_for_each_subscription_of_a_renewal(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.open()
    for name in ("s1", "s2", "s3"):
        shop.buy(name)
    asked: list[str] = []

    def counted(subscription, policy, zone):  # type: ignore[no-untyped-def]
        asked.append(subscription.id)
        return planner.next_step(subscription, policy, zone)

    monkeypatch.setattr(unit_of_work, "next_step", counted)
    request = StepRequest(subject=of_subscription("s2"), version=1, now=RENEWAL, past=())
    result = shop.engine._activities.call("renew", request)
    assert result.outcome is Outcome.DONE
    assert sorted(asked) == ["s1", "s2", "s3"]


def test_a_renewal_is_three_statements(shop: Shop) -> None:
    shop.open()
    for name in ("s1", "s2", "s3"):
        shop.buy(name)
    statements: list[str] = []
    event.listen(
        shop.ledger.engine, "before_cursor_execute", lambda *values: statements.append(values[2])
    )
    request = StepRequest(subject=of_subscription("s2"), version=1, now=RENEWAL, past=())
    assert shop.engine._activities.call("renew", request).outcome is Outcome.DONE
    assert len(statements) == 3


def test_a_renewal_touches_no_index_of_subscriptions(shop: Shop) -> None:
    """So PostgreSQL writes the new row beside the old one, and leaves the indexes alone."""
    shop.open()
    shop.buy()
    columns = f"SELECT {', '.join(SubscriptionRow.__table__.columns.keys())} FROM subscriptions"
    [before] = shop.rows(columns)
    request = StepRequest(subject=of_subscription("s1"), version=1, now=RENEWAL, past=())
    assert shop.engine._activities.call("renew", request).outcome is Outcome.DONE
    [after] = shop.rows(columns)
    changed = {
        column.name
        for column, old, new in zip(SubscriptionRow.__table__.columns, before, after, strict=True)
        if old != new
    }
    assert {"expiry", "renewal_date", "version"} <= changed
    indexes = shop.rows("SELECT indexdef FROM pg_indexes WHERE tablename = 'subscriptions'")
    assert not changed & set(re.findall(r"\w+", str(indexes)))


def test_a_retry_finds_also_those_whose_own_retries_are_over(shop: Shop) -> None:
    """They have no attempt left, and renew with one that has (Rule 5.2)."""
    shop.open()
    for name in ("s1", "s2", "s3"):
        shop.buy(name)
    failed = "renewal_failed = true, failure = 'no_credits', attempted_at = '2021-03-24'"
    shop.run(f"UPDATE subscriptions SET {failed} WHERE id <> 's3'")
    shop.run("UPDATE steps SET kind = 'retry' WHERE subject = 's2'")
    shop.run(
        "UPDATE steps SET kind = 'expire', rank = 3, by_date = NULL, due = '2021-04-01' "
        "WHERE subject = 's1'"
    )
    with shop.ledger.work(RENEWAL, account="acme") as work:
        assert {s.id for s in work.group_of("s2", 1, ())} >= {"s1", "s2"}


def test_a_step_of_the_account_stands_in_the_order_of_its_steps(shop: Shop) -> None:
    shop.open()
    shop.buy()
    shop.run("INSERT INTO clocks (id, now) VALUES ('c', now())")
    shop.force("UPDATE accounts SET clock = 'c'")
    shop.run("UPDATE steps SET clock = 'c'")
    step = Step(StepKind.CLOSE_FOR_GOOD, RENEWAL, Rule.SUSPEND_AND_CLOSE, "not opened again")
    with shop.ledger.work(DAY, account="acme") as work:
        work.set_step(ACME, step, 1)
    with shop.ledger.engine.connect() as connection:
        due = [item.subject for item in due_at(connection, "c", RENEWAL) if item.kind]
        assert due == [of_subscription("s1"), ACME]
        first = first_of(connection, "acme", RENEWAL, [Passed(subject=of_subscription("s1"))])
        kind = StepKind.CLOSE_FOR_GOOD
        assert first == DueStep(subject=ACME, version=1, kind=kind, due=RENEWAL, account="acme")
    later = replace(step, due=RENEWAL + timedelta(days=30))
    with shop.ledger.work(DAY, account="acme") as work:
        work.set_step(ACME, later, 2)
    assert shop.rows("SELECT due, version FROM steps WHERE subject = 'acme'") == [(later.due, 2)]
    with shop.ledger.work(DAY, account="acme") as work:
        work.set_step(ACME, None, 3)
    assert shop.rows("SELECT subject FROM steps") == [("s1",)]


def test_a_period_can_have_a_second_charge_and_refunds_count_both(shop: Shop) -> None:
    shop.open()
    shop.buy()
    [(period, operation)] = shop.rows("SELECT id, operation FROM periods")
    with shop.ledger.work(DAY, account="acme") as work:
        change = work.operation(Purpose.TOP_UP, {})
        work.charge_period(change, period, shop.value("SELECT amount FROM period_charges") / 2)
    assert change != operation
    refund = shop.do(Terminate(subscription="s1", reason="closed"))
    assert refund.result is not None
    assert refund.result.data()["refund"] == "75.00"
