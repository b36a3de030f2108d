"""What the database itself refuses to any caller (Rules 8.4, 11.1, 11.3)."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError

from activities.number_invoices import number_invoices
from core.domain.commands.extend import Extend
from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.terminate import Terminate
from core.domain.events import Event
from core.domain.rules import Rule
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.due_steps import due_at
from core.ledger.ledger import Overtaken
from tests.ledger.conftest import DAY

ADD_OPERATION = (
    "INSERT INTO operations"
    " (id, seller, account, subscription, cycle, purpose, request_id, at, result) "
    "VALUES ({id}, 'main', 'acme', {subscription}, {cycle}, '{purpose}', {request}, '{at}', '{{}}')"
)
BY_HAND = 10**9
"""Ids that tests choose begin here. Those of the ledger come from its sequence."""

ADD_POSTING = "INSERT INTO postings (operation, line, book, account, currency, amount) VALUES "


def operation(
    id_,
    purpose="top_up",
    subscription="NULL",
    cycle="NULL",
    request="NULL",
    at="2021-03-01T00:00:00Z",
):
    return ADD_OPERATION.format(
        id=BY_HAND + id_,
        purpose=purpose,
        subscription=subscription,
        cycle=cycle,
        request=request,
        at=at,
    )


def spend(id_, amount, at="2021-03-01T00:00:00Z"):
    there = BY_HAND + id_
    postings = (
        f"({there}, 1, 'wallet', 'acme', 'USD', -{amount}), "
        f"({there}, 2, 'revenue', 'acme', 'USD', {amount})"
    )
    return f"{operation(id_, at=at)}; {ADD_POSTING} {postings}"


@pytest.mark.parametrize(
    "postings",
    [
        "(1000000001, 1, 'wallet', 'acme', 'USD', 10)",
        "(1000000001, 1, 'wallet', 'acme', 'USD', 10), "
        "(1000000001, 2, 'bank', 'acme', 'USD', -9.99999)",
        # Each currency balances for itself.
        "(1000000001, 1, 'wallet', 'acme', 'USD', 10), (1000000001, 2, 'bank', 'acme', 'EUR', -10)",
        # Each operation balances for itself.
        "(1000000001, 1, 'wallet', 'acme', 'USD', 10), (1000000002, 1, 'bank', 'acme', 'USD', -10)",
    ],
)
def test_an_unbalanced_operation(shop, postings):
    shop.open()
    with pytest.raises(IntegrityError, match="is not balanced"):
        shop.run(f"{operation(1)}; {operation(2)}; {ADD_POSTING} {postings}")
    assert shop.value("SELECT balance FROM accounts") == 1000
    assert shop.value("SELECT count(*) FROM operations") == 1


def test_a_posting_without_an_operation(shop):
    shop.open()
    with pytest.raises(IntegrityError):
        shop.run(
            f"{ADD_POSTING} (77, 1, 'wallet', 'acme', 'USD', 1), (77, 2, 'bank', 'acme', 'USD', -1)"
        )
    assert shop.value("SELECT balance FROM accounts") == 1000


@pytest.mark.parametrize("key", ["period, 77", "77, operation"])
def test_a_charge_without_its_period_or_operation(shop, key):
    shop.open()
    shop.buy()
    before = shop.rows("SELECT * FROM period_charges")
    with pytest.raises(IntegrityError, match="there is no period"):
        shop.run(
            f"INSERT INTO period_charges (period, operation, amount) "
            f"SELECT {key}, 1 FROM period_charges"
        )
    assert shop.rows("SELECT * FROM period_charges") == before


def test_a_posting_to_a_wallet_in_another_currency(shop):
    shop.open()
    with pytest.raises(IntegrityError, match="has no wallet in EUR"):
        shop.run(
            f"{operation(1)}; {ADD_POSTING} (1000000001, 1, 'wallet', 'acme', 'EUR', 1), "
            "(1000000001, 2, 'bank', 'acme', 'EUR', -1)"
        )


NEVER_CHANGED = (
    "policies",
    "catalog_entries",
    "operations",
    "postings",
    "periods",
    "period_charges",
    "refunds",
    "invoices",
    "invoice_numbers",
    "history",
)


@pytest.mark.parametrize("table", NEVER_CHANGED)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"],
)
def test_a_change_of_what_is_never_changed(shop, table, statement):
    shop.open()
    shop.buy()
    shop.do(Terminate(subscription="s1", reason="closed"))
    assert number_invoices(shop.ledger) == 2
    before = shop.value(f"SELECT count(*) FROM {table}")
    assert before > 0
    column = shop.value(
        "SELECT column_name FROM information_schema.columns "
        f"WHERE table_name = '{table}' ORDER BY ordinal_position LIMIT 1"
    )
    with pytest.raises(DBAPIError, match="are never changed or deleted"):
        shop.run(statement.format(table=table, column=f'"{column}"'))
    assert shop.value(f"SELECT count(*) FROM {table}") == before


def test_a_second_operation_of_the_same_subscription_cycle_and_purpose(shop):
    shop.open()
    shop.run(operation(1, "next cycle", "'s1'", "'2021-03-31'"))
    shop.run(operation(2, "next cycle", "'s1'", "'2021-04-30'"))
    shop.run(operation(3, "terminate", "'s1'", "'2021-03-31'"))
    shop.run(operation(4, "next cycle", "'s2'", "'2021-03-31'"))
    with pytest.raises(IntegrityError, match="operations_once_per_cycle"):
        shop.run(operation(5, "next cycle", "'s1'", "'2021-03-31'"))


def test_a_second_operation_of_the_same_request(shop):
    shop.open()
    shop.run(operation(1, request="'r'"))
    with pytest.raises(IntegrityError, match="operations_once_per_request"):
        shop.run(operation(2, "change", request="'r'"))


def test_a_second_period_with_the_same_end(shop):
    shop.open()
    shop.buy()
    with pytest.raises(IntegrityError, match="periods_subscription_expiry"):
        shop.run(
            "INSERT INTO periods SELECT id + 1, operation, subscription, account, sku, start, "
            "expiry, months, scheduled_start FROM periods"
        )


def give_back(id_, amount):
    return (
        "INSERT INTO refunds (operation, period, amount) "
        f"SELECT {BY_HAND + id_}, id, {amount} FROM periods"
    )


def test_a_refund_above_what_was_paid(shop):
    shop.open()
    shop.buy()
    shop.run(f"{operation(1)}; {give_back(1, 30)}")
    shop.run(f"{operation(2)}; {give_back(2, 20)}")
    with pytest.raises(IntegrityError, match="would exceed what was paid"):
        shop.run(f"{operation(3)}; {give_back(3, '0.00001')}")
    with pytest.raises(IntegrityError):
        shop.run(f"{operation(3)}; {give_back(3, -1)}")


def test_two_refunds_at_once_that_are_too_much_together(shop, at_once):
    """Each is within what was paid. The lock of the period makes the second wait and look again."""
    shop.open()
    shop.buy()
    with shop.ledger.engine.connect() as first:
        first.exec_driver_sql(f"{operation(1)}; {give_back(1, 30)}")
        second = at_once_later(lambda: shop.run(f"{operation(2)}; {give_back(2, 30)}"))
        waiting(shop)
        first.commit()
        with pytest.raises(IntegrityError, match="would exceed what was paid"):
            second()
    assert shop.value("SELECT sum(amount) FROM refunds") == 30


def test_two_payments_at_once_that_are_too_much_together(shop):
    shop.open(credits_="50.00")
    with shop.ledger.engine.connect() as first:
        first.exec_driver_sql(spend(1, "30.00"))
        second = at_once_later(lambda: shop.run(spend(2, "30.00")))
        waiting(shop)
        first.commit()
        with pytest.raises(IntegrityError, match=r"would spend 10\.00000 beyond usable"):
            second()
    assert shop.value("SELECT balance FROM accounts") == 20


def at_once_later(function):
    """Start a function in a thread. Returns a function that waits for its result."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(function)
    pool.shutdown(wait=False)
    return lambda: future.result(timeout=30)


def waiting(shop):
    """Wait until a transaction waits for a lock."""
    end = time.monotonic() + 30
    while not shop.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        assert time.monotonic() < end, "no transaction waits for a lock"


def test_spending_beyond_usable(shop):
    shop.open(credits_="50.00", credit_limit=Decimal("20.00"))
    shop.run(spend(1, "70.00"))
    with pytest.raises(IntegrityError, match=r"would spend 0\.00001 beyond usable"):
        shop.run(spend(2, "0.00001"))
    assert shop.value("SELECT balance FROM accounts") == -20


def test_spending_what_is_reserved_or_owed(shop):
    shop.open(credits_="50.00")
    shop.run("UPDATE accounts SET reserved = 20, liability = 10")
    with pytest.raises(IntegrityError, match="beyond usable"):
        shop.run(spend(1, "20.01"))
    shop.run(spend(1, "20.00"))


def test_spending_a_credit_limit_that_has_ended(shop):
    """The limit's last day is 2021-03-01 in Havana, which ends at 2021-03-02T05:00Z."""
    shop.open(credits_="0.00", timezone="America/Havana")
    shop.do(
        SetAccount(
            account="acme", credit_limit=Decimal("20.00"), credit_limit_until=date(2021, 3, 1)
        ),
        DAY + timedelta(hours=6),
    )
    shop.run(spend(1, "15.00", at="2021-03-02T04:59:59Z"))
    with pytest.raises(IntegrityError, match=r"would spend 20\.00000 beyond usable"):
        shop.run(spend(2, "5.00", at="2021-03-02T05:00:00Z"))
    shop.do(SetAccount(account="acme", credit_limit=Decimal("20.00")))  # It has no end.
    shop.run(spend(2, "5.00", at="2021-03-02T05:00:00Z"))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("until", [date.max, date.max - timedelta(days=1)])
def test_a_credit_limit_until_the_last_days_of_the_calendar(shop, zone, until):
    shop.open(credits_="0.00", timezone=zone)
    limit = Decimal("20.00")
    shop.do(SetAccount(account="acme", credit_limit=limit, credit_limit_until=until))
    shop.run(spend(1, "20.00"))
    assert shop.value("SELECT balance FROM accounts") == -20


def test_credits_are_taken_even_while_usable_is_negative(shop):
    shop.open(credits_="0.00", credit_limit=Decimal("20.00"))
    shop.run(spend(1, "20.00"))
    shop.do(SetAccount(account="acme", credit_limit=Decimal(0)))
    shop.run(
        f"{operation(2)}; {ADD_POSTING} (1000000002, 1, 'wallet', 'acme', 'USD', 5), "
        "(1000000002, 2, 'bank', 'acme', 'USD', -5)"
    )
    assert shop.value("SELECT balance FROM accounts") == -15


def test_a_balance_that_is_written(shop):
    shop.open()
    with pytest.raises(DBAPIError, match="changes by postings alone"):
        shop.run("UPDATE accounts SET balance = balance + 1")
    with pytest.raises(DBAPIError, match="changes by postings alone"):
        shop.run(
            "INSERT INTO accounts (id, seller, currency, timezone, balance) "
            "VALUES ('x', 'main', 'USD', 'UTC', 1)"
        )
    shop.run("UPDATE accounts SET suspended = true, balance = balance")


def test_a_second_open_card_charge_of_an_account(shop):
    charge = (
        "INSERT INTO card_charges"
        " (key, account, card, amount, currency, asked_at, outcome, booked) "
        "VALUES ('{key}', 'acme', 'sim_ok', 1, 'USD', now(), '{outcome}', {booked})"
    )
    shop.open()
    shop.run(charge.format(key="a", outcome="charged", booked="true"))
    shop.run(charge.format(key="b", outcome="charged", booked="false"))
    with pytest.raises(IntegrityError, match="card_charges_one_open"):
        shop.run(charge.format(key="c", outcome="pending", booked="false"))
    with pytest.raises(IntegrityError):  # It is booked before its outcome is known.
        shop.run(charge.format(key="d", outcome="pending", booked="true"))


@pytest.mark.parametrize(
    "change",
    [
        "status = 'PAUSED'",
        "status = 'TERMINATED'",  # Its next step still exists.
        "failure = 'bad_luck'",
        "status = 'EXPIRED', renewal_failed = true",
    ],
)
def test_a_state_that_cannot_be(shop, change):
    shop.open()
    shop.buy()
    with pytest.raises(IntegrityError):
        shop.run(f"UPDATE subscriptions SET {change}")


def test_a_change_made_without_the_lock_of_the_account_is_noticed_and_nothing_is_written(shop):
    shop.open()
    shop.buy()

    def overtaken():
        with shop.ledger.work(DAY, subscription="s1") as work:
            subscription = work.subscription("s1")
            shop.run("UPDATE subscriptions SET version = version + 1")
            work.post(work.operation(Purpose.TOP_UP, {}), double_entry.fee(Decimal(1)))
            work.event(Event.EXTENDED, Rule.EXTEND, subscription="s1")
            work.save(replace(subscription, auto_renew=False, version=subscription.version + 1))

    with pytest.raises(Overtaken, match="s1"):
        overtaken()
    assert shop.value("SELECT balance FROM accounts") == 950
    assert shop.value("SELECT count(*) FROM history") == 1
    assert (
        shop.do(Extend(subscription="s1", cycles=1)).refusal is None
    )  # It works after a new reading.


def test_an_exception_rolls_everything_back(shop):
    shop.open()

    def broken():
        with shop.ledger.work(DAY, account="acme") as work:
            work.post(work.operation(Purpose.TOP_UP, {}), double_entry.fee(Decimal(1)))
            work.settings(suspended=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert shop.rows("SELECT balance, suspended FROM accounts") == [(1000, False)]


def test_a_card_is_charged_once_although_the_first_response_is_lost(shop):
    shop.open(credits_="50.00", card="sim_timeout_charged", renew_by_card=True)
    shop.buy()
    shop.put_on_clock()
    with shop.ledger.engine.connect() as connection:
        (item,) = [item for item in due_at(connection, "c", DAY + timedelta(days=23)) if item.kind]
    asyncio.run(shop.engine.take(item, item.due))
    assert shop.rows("SELECT calls, charged FROM simulated_charges") == [(1, True)]
    assert shop.value("SELECT balance FROM accounts") == 0
    assert shop.do(Recover(subscription="s1"), item.due).refusal.rule == "6.1"


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO steps SELECT 'account', 'nobody', account, clock, 'close_for_good', 5, NULL, "
        "due, rule, why, version FROM steps",
        "UPDATE steps SET account = 'other'",
        "TRUNCATE steps",
        "DELETE FROM steps",
    ],
)
def test_a_step_that_is_not_its_subject_s(shop, change):
    shop.open()
    shop.open("other")
    shop.buy()
    before = shop.rows("SELECT * FROM steps")
    with pytest.raises(DatabaseError):
        shop.run(change)
    assert shop.rows("SELECT * FROM steps") == before
