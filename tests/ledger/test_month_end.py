"""Many monthly invoices in one transaction are those of the steps one by one (Rules 1.7, 11.4)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from activities.month_end import Billed, bill_month
from core.domain.commands.set_account import SetAccount
from core.domain.commands.usage import Usage
from core.domain.steps import of_account
from core.domain.subscription import Mode
from core.protocol.activity_messages import Outcome, StepRequest
from tests.ledger.conftest import DAY, Shop

APRIL = datetime(2021, 4, 1, tzinfo=UTC)
ACCOUNTS = ("acme", "beta", "c")


def use(shop: Shop, account: str, now: datetime = DAY) -> None:
    assert shop.do(Usage(account=account, amount=Decimal("0.25"), text="call"), now).result


def fill(shop: Shop, id_: str) -> None:
    """An account with two calls in March. One of the name beta becomes postpaid between them."""
    shop.open(id_)
    use(shop, id_)
    if id_.startswith("beta"):
        postpaid = SetAccount(account=id_, mode=Mode.POSTPAID, credit_limit=Decimal(9))
        assert shop.do(postpaid, DAY).result
    use(shop, id_)


@pytest.fixture
def used(shop: Shop) -> Shop:
    """Three accounts."""
    shop.ledger.machine_now = lambda: DAY
    for id_ in ACCOUNTS:
        fill(shop, id_)
    return shop


def bill(shop: Shop, *accounts: str, now: datetime = APRIL) -> Billed:
    return bill_month(replace(shop.ledger, machine_now=lambda: now), now, accounts or ACCOUNTS)


def one_by_one(shop: Shop) -> None:
    """Run the steps of the accounts, as their workflows would."""
    shop.ledger.machine_now = lambda: APRIL
    for id_ in ACCOUNTS:
        version = shop.value(f"SELECT version FROM steps WHERE subject = '{id_}'")
        request = StepRequest(subject=of_account(id_), version=version, now=APRIL)
        result: Any = shop.engine._activities.call("monthly_invoice", request)
        assert result.outcome is Outcome.DONE


def books(shop: Shop, account: str) -> list[Any]:
    """What an account, its invoices, amounts, history and steps say, without ids."""
    of = f"account = '{account}'"
    return [
        shop.rows(
            f"SELECT balance, unbilled, uninvoiced, version FROM accounts WHERE id = '{account}'"
        ),
        shop.rows(f"SELECT kind, date, total, lines, due FROM invoices WHERE {of} ORDER BY seq"),
        shop.rows(
            "SELECT m.line, m.amount, i.kind FROM monthly_amounts m "
            f"LEFT JOIN invoices i ON i.id = m.invoice WHERE m.{of} ORDER BY m.operation, m.line"
        ),
        shop.rows(
            "SELECT event, at, rule, amount, balance, unbilled, facts FROM history "
            f"WHERE {of} ORDER BY seq"
        ),
        shop.rows(f"SELECT kind, due FROM steps WHERE {of}"),
    ]


def test_rule_11_4_in_bulk_is_what_the_steps_do_one_by_one(used: Shop) -> None:
    others = [f"{id_}2" for id_ in ACCOUNTS]
    for id_ in others:
        fill(used, id_)
    assert bill(used, *others, now=DAY) == Billed(left=tuple(others))  # March is not over.
    assert bill(used, *others) == Billed(done=3)
    one_by_one(used)
    assert [books(used, id_) for id_ in others] == [books(used, id_) for id_ in ACCOUNTS]
    assert used.rows("SELECT kind FROM invoices WHERE account = 'beta2' ORDER BY seq") == [
        ("monthly",),
        ("consolidated",),
    ]
    told = "SELECT count(*) FROM tellings WHERE subject = ANY ('{acme2,beta2,c2}')"
    assert used.value(told) == 3
    assert bill(used, *others) == Billed(left=tuple(others))


def test_a_busy_account_is_skipped_and_billed_when_it_is_free(used: Shop) -> None:
    with used.ledger.engine.begin() as other:
        other.exec_driver_sql("SELECT 1 FROM accounts WHERE id = 'beta' FOR UPDATE")
        assert bill(used) == Billed(done=2, busy=("beta",))
    assert bill(used, "beta") == Billed(done=1)


def test_rule_1_7_an_account_of_which_something_comes_first_is_left(used: Shop) -> None:
    used.buy()  # It renews on 03-25, and no process has run that step.
    assert bill(used) == Billed(done=2, left=("acme",))


def test_an_account_on_a_test_clock_is_left_to_its_clock(used: Shop) -> None:
    used.put_on_clock()
    found = bill(used)
    assert "acme" in found.left
