"""Assignees and members in the database (Rule 9)."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from core.domain.commands.assign import Assign
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.share import Share
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.unshare import Unshare
from core.protocol.activity_messages import CommandResult
from doors.queries.subscriptions import find_subscription
from tests.ledger.conftest import Shop

ANN, BEN = "ann@example.com", "ben@example.com"


def seen(shop: Shop) -> tuple[str | None, tuple[str, ...]]:
    view = find_subscription(shop.ledger, "s1")
    return view.assigned_to, view.members


def test_each_change_is_in_the_history_with_who_when_and_what(shop: Shop) -> None:
    shop.open()
    shop.buy()
    assert seen(shop) == (None, ())
    assert shop.do(Assign(subscription="s1", assignee=ANN, actor="eve")).refusal is None
    assert shop.do(Share(subscription="s1", member=BEN)).refusal is None
    assert seen(shop) == (ANN, (BEN,))
    again = shop.do(Share(subscription="s1", member=BEN)).refusal
    assert str(again) == "it is shared with ben@example.com already (rule 9)"
    assert shop.do(Unshare(subscription="s1", member="Ben@example.com")).refusal is None
    assert shop.do(Assign(subscription="s1", assignee=None)).refusal is None
    assert seen(shop) == (None, ())
    told = shop.rows("SELECT event, actor, facts FROM history ORDER BY seq OFFSET 1")
    assert told == [
        ("assigned", "eve", {"to": ANN}),
        ("shared", "platform", {"member": BEN}),
        ("unshared", "platform", {"member": BEN}),
        ("assigned", "platform", {"to": "the owner"}),
    ]
    assert shop.value("SELECT version FROM subscriptions") == 1


def test_a_change_of_owner_resets_them(shop: Shop) -> None:
    shop.open()
    shop.open("b")
    shop.buy()
    shop.do(Assign(subscription="s1", assignee=ANN))
    shop.do(Share(subscription="s1", member=BEN))
    shop.do(ChangeOwner(subscription="s1", account="b"))
    assert seen(shop) == (None, ())


def test_neither_a_suspended_account_nor_a_terminated_one_takes_them(shop: Shop) -> None:
    shop.open()
    shop.buy()
    shop.buy("s2")
    shop.do(Terminate(subscription="s2", reason="closed"))
    ended = shop.do(Assign(subscription="s2", assignee=ANN)).refusal
    assert ended is not None
    assert ended.rule == "2"
    shop.do(Suspend(account="acme"))
    halted = shop.do(Share(subscription="s1", member=ANN)).refusal
    assert halted is not None
    assert halted.rule == "11.8"


def test_many_members_at_once_are_all_there_and_101_are_not(
    shop: Shop, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    shop.open()
    shop.buy()
    listed = ", ".join(f'"m{n}@example.com"' for n in range(90))
    shop.run(f"UPDATE subscriptions SET members = '[{listed}]'")
    results = at_once(
        [
            lambda n=n: shop.do(Share(subscription="s1", member=f"n{n}@example.com"))
            for n in range(20)
        ]
    )
    assert all(isinstance(result, CommandResult) for result in results), results
    assert sum(result.refusal is None for result in results) == 10
    assert len(seen(shop)[1]) == 100
    with pytest.raises(IntegrityError, match="subscriptions_members"):
        shop.run("UPDATE subscriptions SET members = members || '[\"one@example.com\"]'")
