"""Limits of money and approvals in the database: taken once, decided once (docs/staff.md)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from core.domain.faults import Faults
from core.domain.refusal import Refused
from core.domain.roles import Role
from core.domain.second_person import LASTS, ApprovalState, MoneyLimit
from core.ledger import approvals, money_limits
from core.ledger.approvals import ApprovalLine, NewApproval
from tests.ledger.conftest import Shop

NOW = datetime(2021, 3, 1, 12, tzinfo=UTC)
LIMIT = MoneyLimit(currency="USD", per_command=Decimal(50), per_day=Decimal(80))


def take(shop: Shop, request_id: str, amount: int, now: datetime = NOW, who: str = "ann") -> bool:
    """Whether a command may move an amount without a second person."""
    taken = money_limits.take(shop.ledger, who, request_id, LIMIT, Decimal(amount), now)
    return taken is None


def asked(shop: Shop, request_id: str = "r1", **changes: Any) -> ApprovalLine:
    """A command that waits."""
    new = NewApproval(
        do="adjust",
        values={"account": "acme", "amount": "90.00", "reason": "goodwill"},
        request_id=request_id,
        fingerprint="f",
        who="staff/ann",
        actor="Ann <ann@example.com>",
        role=Role.SUPPORT,
        amount=Decimal(90),
        currency="USD",
        why="it is much",
    )
    return approvals.ask(shop.ledger, replace(new, **changes), NOW)


def decide(
    shop: Shop, id_: str, approved: bool = True, who: str = "staff/bob", now: datetime = NOW
) -> ApprovalLine:
    """Approve or refuse."""
    return approvals.decide(
        shop.ledger, id_, approved=approved, who=who, actor="Bob <bob@example.com>", now=now
    )


def test_a_day_is_taken_from_once_for_each_request(shop: Shop) -> None:
    assert take(shop, "r1", 50)
    assert take(shop, "r1", 50)
    assert not take(shop, "r2", 40)
    assert take(shop, "r3", 30)
    assert not take(shop, "r4", 1)
    assert take(shop, "r5", 50, who="bob")
    assert take(shop, "r6", 50, NOW + timedelta(days=1))
    money_limits.settle(shop.ledger, "r1", Decimal(0))
    assert take(shop, "r4", 50)


def test_a_request_id_is_no_way_around_a_limit(shop: Shop) -> None:
    """A rule may refuse a command after something was taken. Then its request id is used again."""
    assert take(shop, "r1", 10)
    assert not take(shop, "r1", 51)
    money_limits.settle(shop.ledger, "r1", Decimal(0))
    assert not take(shop, "r1", 5000)
    assert take(shop, "r1", 50, who="bob")
    with pytest.raises(Refused, match="is used by another caller"):
        take(shop, "r1", 1)
    assert take(shop, "r1", 20, who="bob")
    assert take(shop, "r2", 30, who="bob")
    assert not take(shop, "r3", 1, who="bob")


def test_concurrent_commands_take_no_more_than_the_day_has(
    shop: Shop, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    """Eight times $30 at once, within $80: two are taken."""
    made = at_once([lambda n=n: take(shop, f"r{n}", 30) for n in range(8)])
    assert sorted(made) == [False] * 6 + [True] * 2


def test_limits_are_set_changed_and_removed(shop: Shop) -> None:
    with shop.ledger.engine.begin() as connection:
        money_limits.set_limit(connection, "main", Role.SUPPORT, LIMIT)
        money_limits.set_limit(connection, "main", Role.SUPPORT, replace(LIMIT, per_day=Decimal(9)))
        [limit] = money_limits.limits_of(connection, "main", Role.SUPPORT)
        assert limit.per_day == 9
        assert money_limits.limits_of(connection, "main", Role.ADMIN) == ()
        assert money_limits.limits_of(connection, "other", Role.SUPPORT) == ()
        assert money_limits.remove_limits(connection, "main", Role.SUPPORT) == 1


def test_a_request_asks_once(shop: Shop) -> None:
    line = asked(shop)
    assert asked(shop) == line
    with pytest.raises(Refused, match="was used for another command"):
        asked(shop, fingerprint="other")


def test_it_is_decided_once_by_a_second_one(shop: Shop) -> None:
    line = asked(shop)
    with pytest.raises(Faults, match="a second one is needed"):
        decide(shop, line.id, who="staff/ann")
    assert decide(shop, line.id).state is ApprovalState.APPROVED
    assert decide(shop, line.id, who="staff/cid").decided_by == "Bob <bob@example.com>"
    with pytest.raises(Faults, match="only what is open"):
        decide(shop, line.id, approved=False)
    for _ in range(2):
        approvals.end(shop.ledger, line.id, ApprovalState.DONE, "done", NOW)
        approvals.end(shop.ledger, line.id, ApprovalState.FAILED, "late", NOW)
    with shop.ledger.read() as connection:
        found = approvals.find(connection, "main", line.id, NOW)
        assert (found.state, found.outcome) == (ApprovalState.DONE, "done")
        with pytest.raises(Faults, match="there is no"):
            approvals.find(connection, "other", line.id, NOW)


def test_what_ran_is_done_also_when_a_rule_refused_one_of_two_who_approved(shop: Shop) -> None:
    line = asked(shop)
    decide(shop, line.id)
    approvals.end(shop.ledger, line.id, ApprovalState.FAILED, "usable was too low", NOW)
    approvals.end(shop.ledger, line.id, ApprovalState.DONE, "done", NOW)
    approvals.end(shop.ledger, line.id, ApprovalState.FAILED, "late", NOW)
    with shop.ledger.read() as connection:
        found = approvals.find(connection, "main", line.id, NOW)
    assert (found.state, found.outcome) == (ApprovalState.DONE, "done")
    with pytest.raises(IntegrityError):
        shop.run("UPDATE approvals SET state = 'failed'")


def test_the_one_who_asked_withdraws_it_and_an_old_one_has_expired(shop: Shop) -> None:
    assert decide(shop, asked(shop).id, False, "staff/ann").state is ApprovalState.REFUSED
    old = asked(shop, "r2")
    with pytest.raises(Faults, match="is expired"):
        decide(shop, old.id, now=NOW + LASTS)


def test_they_are_listed_newest_first_in_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "_PAGE", 2)
    ids = sorted((asked(shop, f"r{n}").id for n in range(5)), reverse=True)
    decide(shop, ids[0])
    with shop.ledger.read() as connection:

        def listed(now: datetime = NOW, **filters: Any) -> list[str]:
            return [line.id for line in approvals.approvals(connection, "main", now, **filters)]

        assert listed() == ids
        assert listed(after=ids[1]) == ids[2:]
        assert listed(state=ApprovalState.OPEN) == ids[1:]
        assert listed(NOW + LASTS, state=ApprovalState.EXPIRED) == ids[1:]
        assert listed(NOW + LASTS, state=ApprovalState.OPEN) == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM approvals",
        "UPDATE approvals SET amount = 1",
        "UPDATE approvals SET who = 'staff/cid'",
        "UPDATE approvals SET \"values\" = '{}'",
        "UPDATE approvals SET decided_by = 'Eve'",
        "UPDATE approvals SET decided_who = 'staff/ann'",
        "UPDATE approvals SET state = 'open'",
        "UPDATE approvals SET state = 'refused'",
    ],
)
def test_the_database_refuses(shop: Shop, change: str) -> None:
    decide(shop, asked(shop).id)
    with pytest.raises(IntegrityError):
        shop.run(change)


def test_the_database_refuses_that_one_approves_the_own(shop: Shop) -> None:
    asked(shop)
    with pytest.raises(IntegrityError):
        shop.run("UPDATE approvals SET state = 'approved', decided_who = who, decided_at = now()")
