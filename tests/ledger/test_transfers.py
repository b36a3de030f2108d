"""Transfers at once: rings come to an end, sums hold, a request is done once (Rules 4.2, 11.9)."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from core.domain.commands import AnyCommand
from core.domain.commands.transfer import Transfer
from core.domain.commands.usage import Usage
from core.protocol.activity_messages import CommandResult
from tests.ledger.conftest import Shop


def doing(shop: Shop, commands: Iterable[AnyCommand]) -> list[Callable[[], CommandResult]]:
    """A function for each command, which carries it out."""
    return [partial(shop.do, command) for command in commands]


AtOnce = Callable[[list[Callable[[], Any]]], list[Any]]


def test_a_ring_of_transfers_at_once_ends_and_the_sums_hold(shop: Shop, at_once: AtOnce) -> None:
    names = ["a", "b", "c", "d"]
    for name in names:
        shop.open(name, "100.00")
    moves = [
        Transfer(account=names[n % 4], to=names[(n + 1) % 4], amount=Decimal(1 + n % 3))
        for n in range(24)
    ]
    results = at_once(doing(shop, moves))
    assert all(isinstance(it, CommandResult) and it.refusal is None for it in results), results
    assert shop.value("SELECT sum(balance) FROM accounts") == 400
    expected = dict.fromkeys(names, Decimal(100))
    for move in moves:
        expected[move.account] -= move.amount
        expected[move.to] += move.amount
    assert dict(shop.rows("SELECT id, balance FROM accounts")) == expected  # type: ignore[arg-type]


def test_fifty_repetitions_of_a_transfer_move_the_credits_once(shop: Shop, at_once: AtOnce) -> None:
    for name in ("a", "b"):
        shop.open(name, "100.00")
    move = Transfer(account="a", to="b", amount=Decimal(60), request_id="once")
    results = at_once([lambda: shop.do(move)] * 50)
    assert {result.result for result in results} == {results[0].result}
    assert sorted(shop.rows("SELECT id, balance FROM accounts")) == [("a", 40), ("b", 160)]


def test_an_account_never_pays_more_than_it_has_to_several_at_once(
    shop: Shop, at_once: AtOnce
) -> None:
    for name in ("a", "b", "c"):
        shop.open(name, "100.00" if name == "a" else "0")
    moves = [Transfer(account="a", to=to, amount=Decimal(30)) for to in ("b", "c") * 4]
    results = at_once(doing(shop, moves))
    assert sum(result.refusal is None for result in results) == 3
    assert shop.value("SELECT balance FROM accounts WHERE id = 'a'") == 10


@pytest.mark.parametrize(
    ("to", "rule"),
    [("nowhere", "4.1"), ("foreign", "4.1"), ("clocked", "11.9"), ("closed", "11.8")],
)
def test_a_transfer_to_an_account_that_cannot_get_it_is_refused(
    shop: Shop, to: str, rule: str
) -> None:
    shop.open("a", "100.00")
    shop.open("clocked", "0")
    shop.open("closed", "0")
    shop.run("INSERT INTO sellers (id) VALUES ('rival')")
    shop.open("foreign", "0")
    shop.force("UPDATE accounts SET seller = 'rival' WHERE id = 'foreign'")
    shop.run("INSERT INTO clocks (id, now) VALUES ('c', '2021-03-01')")
    shop.force("UPDATE accounts SET clock = 'c' WHERE id = 'clocked'")
    shop.force("UPDATE accounts SET closed_on = '2021-02-01' WHERE id = 'closed'")
    refusal = shop.do(Transfer(account="a", to=to, amount=Decimal(1))).refusal
    assert refusal is not None
    assert refusal.rule == rule
    assert shop.value("SELECT balance FROM accounts WHERE id = 'a'") == 100


def test_usage_at_once_never_goes_beyond_usable_and_a_request_is_charged_once(
    shop: Shop, at_once: AtOnce
) -> None:
    shop.open("a", "1.00")
    each = [Usage(account="a", amount=Decimal("0.3"), text="calls") for _ in range(6)]
    results = at_once(doing(shop, each))
    assert sum(result.refusal is None for result in results) == 3
    again = Usage(account="a", amount=Decimal("0.02"), text="calls", request_id="u1")
    at_once([lambda: shop.do(again)] * 20)
    assert shop.value("SELECT balance FROM accounts WHERE id = 'a'") == Decimal("0.08")
    assert shop.value("SELECT count(*) FROM monthly_amounts WHERE invoice IS NULL") == 4
