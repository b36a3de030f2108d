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


@pytest.mark.parametrize("table", ["periods", "invoices", "monthly_amounts"])
def test_rule_11_3_nothing_belongs_to_an_operation_that_does_not_exist(shop, table):
    shop.open()
    shop.buy()
    add = {
        "periods": "(id, operation, subscription, account, start, expiry, months, scheduled_start) "
        "VALUES (9, 77, 's1', 'acme', '2031-01-01', '2031-01-31', 1, '2031-01-01')",
        "invoices": "(id, seller, account, operation, kind, date, currency, total, lines) "
        "VALUES (9, 'main', 'acme', 77, 'individual', '2031-01-01', 'USD', 1, '[]')",
        "monthly_amounts": "(operation, line, account, month, consolidated, description, amount) "
        "VALUES (77, 1, 'acme', '2031-01-01', false, 'calls', 1)",
    }
    with pytest.raises(IntegrityError, match=f"there is no operation 77 for a row of {table}"):
        # The other guard of this table would refuse the row before.
        shop.run(
            "ALTER TABLE monthly_amounts DISABLE TRIGGER amount_is_planned; "
            f"INSERT INTO {table} {add[table]}"
        )


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
    "history",
    "trials",
)


@pytest.mark.parametrize("table", NEVER_CHANGED)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"],
)
def test_a_change_of_what_is_never_changed(shop, table, statement):
    shop.open()
    shop.buy()
    shop.try_out()
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
            "INSERT INTO periods SELECT id + 1, operation, subscription, account, start, "
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
    return lambda: future.result(timeout=300)


def waiting(shop):
    """Wait until a transaction waits for a lock."""
    end = time.monotonic() + 300
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
    shop.force("UPDATE accounts SET reserved = 20, liability = 10")
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


ASK = (
    "INSERT INTO card_charges (key, account, card, amount, currency, asked_at) "
    "VALUES ('{key}', 'acme', 'sim_ok', 30, 'USD', '2021-03-01'); "
)
CREDIT = (
    "INSERT INTO operations (id, seller, account, purpose, charge, at, result) "
    "VALUES ({id}, 'main', 'acme', 'card charge', '{key}', '2021-03-01', '{{}}'); "
    "INSERT INTO postings (operation, line, book, account, currency, amount) VALUES "
    "({id}, 1, 'wallet', 'acme', 'USD', {amount}), ({id}, 2, 'card', 'acme', 'USD', -{amount}); "
)
SETTLE = (
    "UPDATE card_charges SET outcome = '{outcome}', reason = {reason}, booked = {booked} "
    "WHERE key = '{key}'; "
)


def settled(key="a", outcome="charged", booked="true", reason="NULL"):
    return SETTLE.format(key=key, outcome=outcome, booked=booked, reason=reason)


def credited(id_=1, key="a", amount=30):
    return CREDIT.format(id=BY_HAND + id_, key=key, amount=amount)


def test_a_second_open_card_charge_of_an_account(shop):
    """Rule 5.3: an account waits for one card charge at a time."""
    shop.open()
    shop.run(ASK.format(key="a") + settled() + credited())
    shop.run(ASK.format(key="b"))
    with pytest.raises(IntegrityError, match="card_charges_one_open"):
        shop.run(ASK.format(key="c"))
    with pytest.raises(IntegrityError, match="card_charges_booked"):
        shop.run("UPDATE card_charges SET booked = true WHERE key = 'b'")


def test_a_second_credit_of_one_card_charge(shop):
    """Rules 5.3, 11.3: one charge is one credit."""
    shop.open()
    shop.run(ASK.format(key="a") + settled() + credited())
    with pytest.raises(IntegrityError, match="operations_once_per_charge"):
        shop.run(credited(2))
    assert shop.value("SELECT balance FROM accounts") == 1030


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (credited(), "is not what was charged"),  # It is still pending.
        (settled("a", "charged"), "was never credited"),
        (settled("a", "charged", "false") + credited(), "is not what was charged"),
        (settled("a", "declined", "true", "'no'") + credited(), "is not what was charged"),
        (settled("a", "charged") + credited(amount=31), "is not what was charged"),
        (credited(key="never asked"), "operations_charge_fkey"),
        (operation(1, "card charge"), "operations_charge"),
        (
            "INSERT INTO card_charges (key, account, card, amount, currency, asked_at, outcome) "
            "VALUES ('x', 'acme', 'sim_ok', 30, 'USD', now(), 'charged')",
            "does not begin as pending",
        ),
    ],
)
def test_a_credit_that_is_not_what_the_card_was_charged(shop, statement, why):
    """Rule 5.3: what a card was charged becomes credits, and nothing else does."""
    shop.open()
    shop.run(ASK.format(key="a"))
    with pytest.raises(IntegrityError, match=why):
        shop.run(statement)
    assert shop.value("SELECT balance FROM accounts") == 1000
    assert shop.value("SELECT outcome FROM card_charges") == "pending"


@pytest.mark.parametrize(
    "change",
    [
        "booked = false",
        "outcome = 'declined'",
        "outcome = 'pending', booked = false",
        "calls = 1",
        "reason = 'never made'",
        "amount = 31",
        "account = 'other'",
        "currency = 'EUR'",
        "card = 'sim_other'",
        "subscription = 's9'",
        "key = 'b'",
        "asked_at = now()",
    ],
)
def test_a_change_of_a_card_charge_that_is_booked(shop, change):
    """Rules 5.3, 11.3: what became of a charge never changes."""
    shop.open()
    shop.open("other")
    shop.run(ASK.format(key="a") + settled() + credited())
    before = shop.rows("SELECT * FROM card_charges")
    with pytest.raises(DBAPIError):
        shop.run(f"UPDATE card_charges SET {change}")
    assert shop.rows("SELECT * FROM card_charges") == before


def test_only_a_charge_that_was_closed_as_never_made_may_turn_out_to_be_charged(shop):
    """Rule 5.3: the gateway can say it later. It is credited once, like any other."""
    shop.open()
    shop.run(ASK.format(key="a") + settled("a", "declined", "true", "'card declined'"))
    with pytest.raises(IntegrityError, match="is declined and cannot become charged"):
        shop.run(settled() + credited())
    shop.run(ASK.format(key="b") + settled("b", "declined", "true", "'never made'"))
    with pytest.raises(IntegrityError, match="was never credited"):
        shop.run(settled("b"))
    with pytest.raises(DBAPIError, match="a charge is booked once"):
        shop.run(settled("b", "charged", "false"))
    shop.run(settled("b") + credited(key="b"))
    with pytest.raises(IntegrityError, match="operations_once_per_charge"):
        shop.run(credited(2, key="b"))
    assert shop.value("SELECT balance FROM accounts") == 1030


def test_what_may_become_of_an_open_card_charge(shop):
    """Rule 5.3: calls are counted while it is pending. They are never uncounted."""
    shop.open()
    shop.run(ASK.format(key="a"))
    shop.run("UPDATE card_charges SET calls = calls + 1")
    with pytest.raises(DBAPIError, match="calls only grows"):
        shop.run("UPDATE card_charges SET calls = 0")
    shop.run(settled("a", "charged", "false"))
    shop.run("UPDATE card_charges SET booked = true; " + credited())


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("accounts", "id = 'x'"),
        ("accounts", "seller = 'rival'"),
        ("accounts", "currency = 'EUR'"),
        ("accounts", "timezone = 'Asia/Singapore'"),
        ("accounts", "clock = 'c'"),
        ("accounts", "reserved = 1"),
        ("accounts", "liability = 1"),
        ("accounts", "version = 0"),
        ("subscriptions", "id = 'x'"),
        ("subscriptions", "account = 'other'"),
        ("subscriptions", "clock = 'c'"),
        ("subscriptions", "legacy = true"),
        ("subscriptions", "version = 0"),
        ("messages", "subscription = 'x'"),
        ("messages", "account = 'x'"),
        ("messages", "clock = 'c'"),
        ("messages", "kind = 'expired'"),
        ("messages", "expiry = '2030-01-01'"),
        ("messages", "due = now()"),
        ("clocks", "now = '2000-01-01'"),
        ("clocks", "id = 'd'"),
        ("sellers", "id = 'x'"),
        ("sellers", "policy_version = 0"),
        ("sellers", "catalog_revision = 0"),
        ("invoices", "total = 1"),
        ("invoices", "account = 'x'"),
        ("invoices", "lines = '[]'"),
        ("invoices", "date = '2030-01-01'"),
        ("invoices", "number = 2"),
    ],
)
def test_a_change_of_what_is_fixed(shop, table, change):
    """Rules 1.1, 11.1, 11.3, 11.4, 12: what never changes, and what only grows."""
    shop.open()
    shop.open("other")
    shop.buy()
    shop.run("INSERT INTO sellers (id) VALUES ('rival')")
    shop.run("INSERT INTO clocks (id, now) VALUES ('c', '2021-03-01')")
    before = shop.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
    assert before
    with pytest.raises(DBAPIError):
        shop.run(f"UPDATE {table} SET {change}")
    assert shop.rows(f"SELECT * FROM {table} ORDER BY 1, 2") == before


@pytest.mark.parametrize(
    "table",
    ["sellers", "clocks", "accounts", "subscriptions", "messages", "invoices", "card_charges"],
)
@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "TRUNCATE {table} CASCADE"])
def test_deleting_what_is_never_deleted(shop, table, statement):
    """Rule 11.3: what happened is never deleted."""
    shop.open()
    shop.buy()
    with pytest.raises(DBAPIError, match=r"never (changed or )?deleted"):
        shop.run(statement.format(table=table))
    assert shop.value("SELECT count(*) FROM subscriptions") == 1


def test_an_end_that_is_final(shop):
    """Rules 2, 11.8: TERMINATED and closed for good are for good."""
    shop.open()
    shop.open("other")
    shop.buy()
    shop.do(Terminate(subscription="s1", reason="closed"))
    with pytest.raises(DBAPIError, match="TERMINATED is final"):
        shop.run("UPDATE subscriptions SET status = 'ACTIVE'")
    shop.run("UPDATE accounts SET closed_for_good = true WHERE id = 'other'")
    with pytest.raises(DBAPIError, match="closed for good is final"):
        shop.run("UPDATE accounts SET closed_for_good = false WHERE id = 'other'")


def test_a_notice_that_is_planned_again(shop):
    """Rule 12: each notice is sent once."""
    shop.open()
    shop.buy()
    shop.run("UPDATE messages SET state = 'sent'")
    with pytest.raises(DBAPIError, match="a notice is done once"):
        shop.run("UPDATE messages SET state = 'planned'")


@pytest.mark.parametrize(
    "numbers",
    [
        "2",  # The first number is 1.
        "NULL, 1, 3",
        "0, 1, 2",
        "1, 1, 2",
    ],
)
def test_an_invoice_number_that_leaves_a_gap(shop, numbers):
    """Rule 11.4: numbers are gap-free by seller."""
    shop.open()
    for n in range(3):
        shop.buy(f"s{n}")
    with pytest.raises(IntegrityError):
        shop.run(f"UPDATE invoices SET number = (ARRAY[{numbers}]::int[])[seq]")
    assert shop.value("SELECT count(number) FROM invoices") == 0
    shop.run("UPDATE invoices SET number = seq WHERE seq < 3")
    with pytest.raises(IntegrityError, match="leave a gap"):
        shop.run("UPDATE invoices SET number = 4 WHERE seq = 3")
    with pytest.raises(DBAPIError, match="a number is final"):
        shop.run("UPDATE invoices SET number = NULL WHERE seq = 1")
    with pytest.raises(IntegrityError, match="a new invoice has no number"):
        shop.run(
            f"{operation(1)}; INSERT INTO invoices (id, seller, account, operation, kind, date, "
            f"currency, total, lines, number) VALUES (1, 'main', 'acme', {BY_HAND + 1}, "
            "'individual', '2021-03-01', 'USD', 1, '[]', 3)"
        )
    assert number_invoices(shop.ledger) == 1


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
