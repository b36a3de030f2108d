"""The seller's own wallet under many at once: never below zero, and nothing lost (Rule 11.5)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from activities.reconciliation.seller_wallets import SellerWallets
from core.domain import policy
from core.domain.commands.purchase import Purchase
from core.domain.findings import Part, ReconcileRequest
from core.domain.refusal import Refused
from core.ledger import seller_wallets, stored_terms
from tests.ledger.conftest import DAY, Shop

AtOnce = Callable[[list[Callable[[], Any]]], list[Any]]
COSTLY = {
    "sku": "COSTLY",
    "kind": "application",
    "months": 1,
    "prices": {"USD": "1.00"},
    "costs": {"USD": "7.00"},
}


@pytest.fixture
def costly(shop: Shop) -> Shop:
    """A shop under the policy `seller_wallet` with 100.00 in the seller's wallet."""
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policy.load({"seller_wallet": True}))
        stored_terms.add_catalog(connection, "main", [COSTLY])
    put_in(shop, "100.00")
    return shop


def put_in(shop: Shop, amount: str, request_id: str = "r1", currency: str = "USD") -> bool:
    with shop.ledger.transaction("seller_top_up") as connection:
        return put_in_by(connection, amount, request_id, currency)


def put_in_by(connection: Connection, amount: str, request_id: str, currency: str = "USD") -> bool:
    return seller_wallets.top_up(
        connection,
        "main",
        currency,
        Decimal(amount),
        at=DAY,
        request_id=request_id,
        actor="test",
    )


def holds(shop: Shop) -> Decimal:
    with shop.ledger.read() as connection:
        return seller_wallets.balance(connection, "main", "USD")


def buy(shop: Shop, n: int) -> Any:
    return shop.do(Purchase(subscription=f"s{n}", account=f"a{n % 8}", sku="COSTLY"))


def findings(shop: Shop) -> list[str]:
    request = ReconcileRequest(part=Part.SELLER_WALLETS, now=DAY, full=True)
    looked = asyncio.run(SellerWallets(shop.ledger).look(request))
    return [finding.what for finding in looked.findings]


def test_rule_11_5_many_at_once_take_what_there_is_and_no_more(
    costly: Shop, at_once: AtOnce
) -> None:
    """100.00 pay fourteen costs of 7.00, from all parts of the wallet."""
    for n in range(8):
        costly.open(f"a{n}", "100.00")
    results = at_once([partial(buy, costly, n) for n in range(24)])
    assert not [it for it in results if isinstance(it, Exception)]
    assert sum(it.refusal is None for it in results) == 14
    assert holds(costly) == 2
    sums = costly.rows("SELECT book, sum(amount) FROM postings GROUP BY book")
    assert {("seller wallet", -98), ("suppliers", 98)} <= set(sums)
    assert findings(costly) == []


def test_rule_11_5_what_is_refused_takes_nothing(costly: Shop) -> None:
    costly.open("a0", "0.50")
    assert buy(costly, 0).refusal is not None
    assert holds(costly) == 100


def test_rule_4_2_a_repeated_request_puts_money_in_once(costly: Shop) -> None:
    assert not put_in(costly, "100.00")
    assert put_in(costly, "0.00003", "r2")
    assert holds(costly) == Decimal("100.00003")


@pytest.mark.parametrize(("amount", "currency"), [("100.01", "USD"), ("100.00", "EUR")])
def test_rule_4_2_a_request_that_puts_in_something_else_is_refused(
    costly: Shop, amount: str, currency: str
) -> None:
    with pytest.raises(Refused) as refused:
        put_in(costly, amount, currency=currency)
    assert str(refused.value.refusal) == "request id r1 was used for something else (rule 4.2)"
    assert holds(costly) == 100


def test_rule_11_5_the_first_two_top_ups_at_once_lose_nothing(shop: Shop) -> None:
    """The wallet does not exist yet. The second waits for the first: 1.00 + 2.00 = 3.00."""
    with ThreadPoolExecutor(1) as pool:
        with shop.ledger.transaction("seller_top_up") as connection:
            put_in_by(connection, "1.00", "r1")
            second = pool.submit(put_in, shop, "2.00", "r2")
            while not shop.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not second.done()
        assert second.result()
    assert holds(shop) == 3
    assert findings(shop) == []


def test_a_full_reconciliation_finds_a_wallet_that_does_not_add_up(costly: Shop) -> None:
    costly.force("UPDATE seller_wallets SET balance = balance + 1 WHERE part = 3")
    assert findings(costly) == [
        "its own wallet holds 101.00 USD, and 100.00 were put in and not paid"
    ]
