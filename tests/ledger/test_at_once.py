"""Concurrent commands and steps: the result is always that of some order (Rule 13)."""

import random
from asyncio import run
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from activities.number_invoices import number_invoices
from core.domain import policy
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.resubscribe import Resubscribe
from core.domain.commands.resume import Resume
from core.domain.commands.set_account import SetAccount
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.ledger import stored_terms
from core.ledger.due_steps import due_at
from core.protocol.activity_messages import CommandResult
from tests.ledger.conftest import DAY, PRO

ONE_DAY = timedelta(days=1)


def test_fifty_equal_purchases_are_one_subscription_and_one_charge(shop, at_once):
    shop.open()
    results = at_once([lambda: shop.buy(request_id="r")] * 50)
    assert all(
        isinstance(result, CommandResult) and result.refusal is None for result in results
    ), results
    assert sum(not result.replayed for result in results) == 1
    assert all(result.result == results[0].result for result in results)
    assert shop.value("SELECT balance FROM accounts") == 950
    for table in ("subscriptions", "periods", "invoices", "history"):
        assert shop.value(f"SELECT count(*) FROM {table}") == 1


def test_fifty_purchases_of_one_id_without_a_request_id_are_one_charge_and_forty_nine_refusals(
    shop, at_once
):
    shop.open()
    results = at_once([lambda: shop.buy()] * 50)
    assert sorted(str(result.refusal and result.refusal.rule) for result in results) == [
        "4.1"
    ] * 49 + ["None"]
    assert shop.value("SELECT balance FROM accounts") == 950


@pytest.mark.parametrize("request_id", [None, "r"])
def test_one_id_bought_by_many_accounts_at_once_is_sold_once(shop, at_once, request_id):
    """Accounts do not wait for each other. The database refuses the second like a later one."""
    for n in range(20):
        shop.open(f"a{n:02}")
    results = at_once(
        [lambda n=n: shop.buy("s1", f"a{n:02}", request_id=request_id) for n in range(20)]
    )
    rule = "4.2" if request_id else "4.1"
    assert sorted(str(result.refusal and result.refusal.rule) for result in results) == [
        rule
    ] * 19 + ["None"]
    assert shop.value("SELECT sum(balance) FROM accounts") == 20 * 1000 - 50


def test_credits_for_three_of_twenty_purchases_buy_three(shop, at_once):
    shop.open(credits_="199.99")
    results = at_once([lambda n=n: shop.buy(f"s{n:02}", request_id=f"r{n}") for n in range(20)])
    assert (
        sorted(str(result.refusal and result.refusal.rule) for result in results)
        == ["4.1"] * 17 + ["None"] * 3
    )
    assert shop.value("SELECT balance FROM accounts") == Decimal("49.99")
    assert shop.value("SELECT count(*) FROM subscriptions") == 3


def explained(shop, opening: Decimal) -> None:
    """Check what is true in any order."""
    posted = shop.value("SELECT coalesce(sum(amount), 0) FROM postings WHERE book = 'wallet'")
    assert shop.value("SELECT balance FROM accounts") == posted
    assert shop.value("SELECT coalesce(sum(amount), 0) FROM postings") == 0
    assert posted - opening == shop.value("SELECT coalesce(sum(amount), 0) FROM history")
    over = (
        "SELECT 1 FROM refunds r GROUP BY r.period HAVING sum(r.amount) > "
        "(SELECT sum(c.amount) FROM period_charges c WHERE c.period = r.period)"
    )
    assert not shop.rows(over)
    for (subscription,) in shop.rows("SELECT id FROM subscriptions"):
        periods: list[tuple[date, date]] = [
            (start, expiry)
            for start, expiry in shop.rows(
                "SELECT start, expiry FROM periods "
                f"WHERE subscription = '{subscription}' ORDER BY start"
            )
        ]
        assert all(begun == ended + ONE_DAY for (_, ended), (begun, _) in pairwise(periods))
        assert periods[-1][1] == shop.value(
            f"SELECT expiry FROM subscriptions WHERE id = '{subscription}'"
        )
        assert len(periods) == shop.value(
            f"SELECT cycles_paid FROM subscriptions WHERE id = '{subscription}'"
        )
    assert shop.value("SELECT count(*) FROM operations WHERE purpose = 'terminate'") == shop.value(
        "SELECT count(*) FROM subscriptions WHERE status = 'TERMINATED'"
    )


@pytest.mark.parametrize("seed", range(5))
def test_twenty_different_commands_on_one_subscription_at_once_are_explained_by_some_order(
    shop, at_once, seed
):
    shop.open(credits_="250.00")
    shop.buy()
    commands = [
        *(Extend(subscription="s1", cycles=n, request_id=f"extend {n}") for n in (1, 2, 3)),
        Extend(subscription="s1", to=date(2021, 6, 15)),
        Extend(subscription="s1", cycles=1, invoice_number="EXT-1"),
        Extend(subscription="s1", cycles=1, request_id="extend 1"),
        *(
            Unsubscribe(subscription="s1"),
            Resubscribe(subscription="s1"),
            Unsubscribe(subscription="s1"),
            Resubscribe(subscription="s1"),
        ),
        *(Recover(subscription="s1"), Recover(subscription="s2")),
        *(TopUp(account="acme", amount=Decimal(n), request_id=f"top up {n}") for n in (10, 20)),
        *(
            Suspend(account="acme"),
            Resume(account="acme"),
            SetAccount(account="acme", credit_limit=Decimal(30)),
        ),
        Purchase(subscription="s1", account="acme", sku="PRO"),
        Purchase(subscription="s2", account="acme", sku="PRO"),
        Terminate(subscription="s1", reason="closed"),
    ]
    assert len(commands) == 20
    random.Random(seed).shuffle(commands)
    results = at_once([lambda command=command: shop.do(command) for command in commands])
    assert all(isinstance(result, CommandResult) for result in results), results
    outcome = {str(command): result for command, result in zip(commands, results, strict=True)}
    assert outcome[str(Terminate(subscription="s1", reason="closed"))].refusal is None
    assert shop.value("SELECT status FROM subscriptions WHERE id = 's1'") == "TERMINATED"
    explained(shop, Decimal("200.00") + 50)


def test_groups_that_are_healed_by_many_top_ups_at_once_are_paid_once(shop, at_once):
    shop.open(credits_="150.00")
    for n in range(3):
        shop.buy(f"s{n}")
    shop.put_on_clock()
    with shop.ledger.engine.connect() as connection:
        item = next(item for item in due_at(connection, "c", DAY + 23 * ONE_DAY) if item.kind)
    run(shop.engine.take(item, item.due))
    assert shop.value("SELECT count(*) FROM subscriptions WHERE renewal_failed") == 3
    results = at_once(
        [
            lambda n=n: shop.do(
                TopUp(account="acme", amount=Decimal(20), request_id=f"r{n}"), item.due
            )
            for n in range(10)
        ]
    )
    assert all(result.refusal is None for result in results)
    assert shop.value("SELECT balance FROM accounts") == 50
    assert shop.value("SELECT count(*) FROM periods") == 6
    explained(shop, Decimal("150.00"))


def test_the_members_of_a_group_that_wake_at_once_are_renewed_once(shop, at_once):
    shop.open(credits_="150.00", card="sim_ok", renew_by_card=True)
    for n in range(3):
        shop.buy(f"s{n}")
    shop.put_on_clock()
    with shop.ledger.engine.connect() as connection:
        items = [item for item in due_at(connection, "c", DAY + 23 * ONE_DAY) if item.kind]
    steps = at_once(
        [
            lambda item=item: run(shop.engine.take(item, item.due))
            for item in items
            for _ in range(5)
        ]
    )
    assert not [step for step in steps if isinstance(step, Exception)]
    assert shop.rows("SELECT amount, charged FROM simulated_charges") == [(150, True)]
    assert shop.value("SELECT balance FROM accounts") == 0
    assert shop.value("SELECT count(*) FROM periods") == 6
    explained(shop, Decimal("150.00"))


def test_invoice_numbers_have_no_gap_although_several_number_while_others_buy(shop, at_once):
    for n in range(8):
        shop.open(f"a{n}", "100000.00")

    def buy(account: int) -> None:
        for n in range(25):
            assert shop.buy(f"a{account}-{n}", f"a{account}").refusal is None

    def number() -> int:
        return sum(number_invoices(shop.ledger, batch=7) for _ in range(20))

    results = at_once([lambda n=n: buy(n) for n in range(8)] + [number] * 4)
    assert not [result for result in results if isinstance(result, Exception)], results
    while number_invoices(shop.ledger, batch=50):
        pass
    assert [row[0] for row in shop.rows("SELECT number FROM invoices ORDER BY number")] == list(
        range(1, 201)
    )
    assert shop.value("SELECT count(DISTINCT number) FROM invoices") == 200


def test_each_seller_has_its_own_numbers(shop):
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "other", policy.DEFAULT)
        stored_terms.add_catalog(connection, "other", [PRO])
    shop.open("a")
    shop.open("b", seller="other")
    for n, account in enumerate("abab"):
        # Request ids are each seller's own, too.
        assert shop.buy(f"s{n}", account, request_id=f"r{n // 2}").refusal is None
    number_invoices(shop.ledger)
    assert shop.rows("SELECT seller, number FROM invoices ORDER BY 1, 2") == [
        ("main", 1),
        ("main", 2),
        ("other", 1),
        ("other", 2),
    ]
