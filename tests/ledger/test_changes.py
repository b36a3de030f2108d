"""Changes of what a subscription holds, as the database sees them (Rules 3.4, 8, 9, 11.4)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.domain.commands.change_cycle import ChangeCycle
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.changes import When
from core.domain.commands.extend import Extend
from core.domain.commands.set_addon import SetAddon
from core.domain.commands.terminate import Terminate
from core.domain.commands.withdraw_changes import WithdrawChanges
from core.domain.contents import Coming, Item
from core.ledger import stored_terms
from core.ledger.rows import SUBSCRIPTIONS, subscription_from
from core.protocol.activity_messages import CommandResult
from tests.ledger.conftest import DAY, Shop

MORE = [
    {"sku": "BIZ", "kind": "application", "months": 1, "prices": {"USD": "90.00"}},
    {
        "sku": "FINAL",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "60.00"},
        "refundable": False,
    },
    {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "10.00"}},
    {"sku": "EURO", "kind": "application", "months": 1, "prices": {"EUR": "1.00"}},
    {"sku": "LATER", "kind": "addon", "months": 1, "prices": {"USD": "1.00"}, "from": "2021-04-01"},
]
CHARGES = (
    "SELECT p.start, c.amount FROM period_charges c JOIN periods p ON p.id = c.period "
    "JOIN operations o ON o.id = c.operation WHERE o.purpose = 'prorated' ORDER BY p.start"
)
LAST_INVOICE = "SELECT total, lines->0->>'text' FROM invoices ORDER BY seq DESC LIMIT 1"


@pytest.fixture
def bought(shop: Shop) -> Shop:
    """A monthly subscription for 50.00, bought on 2021-03-01: the period has 31 days."""
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_catalog(connection, "main", MORE)
    shop.open()
    shop.buy()
    return shop


def at(day: int, month: int = 3) -> datetime:
    return datetime(2021, month, day, tzinfo=UTC)


def plan(sku: str, **more: object) -> ChangePlan:
    return ChangePlan(subscription="s1", sku=sku, **more)  # type: ignore[arg-type]


def seats(quantity: int, sku: str = "SEAT", **more: object) -> SetAddon:
    return SetAddon(subscription="s1", sku=sku, quantity=quantity, **more)  # type: ignore[arg-type]


def rule_of(result: CommandResult) -> str | None:
    return result.refusal and str(result.refusal.rule)


def test_rule_11_3_a_change_is_one_balanced_operation_with_its_charges_and_its_invoice(
    bought: Shop,
) -> None:
    """On 03-12 there are 20 of 31 days left: 40 × 20/31 = 25.806…. The next one costs 40.00."""
    bought.do(Extend(subscription="s1", cycles=1))
    done = bought.do(plan("BIZ", request_id="r1"), at(12))
    assert done.result is not None
    assert done.result.sentence() == "s1 changes to BIZ from today on: $65.81 paid."
    assert [(str(start), f"{amount:.2f}") for start, amount in bought.rows(CHARGES)] == [
        ("2021-03-01", "25.81"),
        ("2021-04-01", "40.00"),
    ]
    total, words = bought.rows(LAST_INVOICE)[0]
    assert (f"{total:.2f}", words) == ("65.81", "s1 primary BIZ from 2021-03-12 to 2021-04-30")
    again = bought.do(plan("BIZ", request_id="r1"), at(13))
    assert again.replayed
    assert again.result == done.result
    assert rule_of(bought.do(plan("PRO", request_id="r1"), at(13))) == "4.2"


def test_rule_11_4_an_external_invoice_pays_instead_of_the_wallet(bought: Shop) -> None:
    before = bought.value("SELECT balance FROM accounts")
    for command in (plan("BIZ", invoice_number="X-1"), seats(2, invoice_number="X-2")):
        done = bought.do(command, at(12))
        assert done.result is not None
        assert "on external invoice X-" in done.result.sentence()
    assert bought.value("SELECT balance FROM accounts") == before
    assert bought.value("SELECT count(*) FROM invoices") == 1
    assert bought.value("SELECT count(*) FROM period_charges") == 1
    external = bought.rows("SELECT external_invoice FROM operations ORDER BY id DESC LIMIT 2")
    assert external == [("X-2",), ("X-1",)]
    assert rule_of(bought.do(seats(3, invoice_number=" "), at(12))) == "11.4"


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (plan("NONE"), "4.1"),
        (plan("SEAT"), "4.1"),
        (plan("EURO"), "4.1"),
        (plan("EURO", when=When.RENEWAL), "4.1"),
        (plan("PRO"), "9"),
        (plan("PRO", when=When.RENEWAL), "9"),
        (seats(1, "NONE"), "4.1"),
        (seats(1, "PRO"), "4.1"),
        (seats(1, "LATER"), "4.1"),
        (seats(1, "LATER", when=When.RENEWAL), "4.1"),
        (seats(0), "9"),
        (seats(-1), "3.3"),
        (seats(501), "3.3"),
        (seats(10**9), "3.3"),
        (seats(500), "9"),
        (ChangeCycle(subscription="s1"), "9"),
        (ChangeCycle(subscription="s1", multiplier=2, months=2), "9"),
        (ChangeCycle(subscription="s1", multiplier=1), "9"),
        (ChangeCycle(subscription="s1", multiplier=0), "9"),
        (ChangeCycle(subscription="s1", multiplier=-3), "9"),
        (ChangeCycle(subscription="s1", months=10**9), "9"),
        (WithdrawChanges(subscription="s1"), "9"),
    ],
)
def test_rule_9_a_refused_change_leaves_no_trace(
    bought: Shop, command: ChangePlan, rule: str
) -> None:
    tables = ("operations", "postings", "period_charges", "invoices", "history", "subscriptions")
    before = [bought.rows(f"SELECT * FROM {table}") for table in tables]
    assert rule_of(bought.do(command, at(12))) == rule
    assert [bought.rows(f"SELECT * FROM {table}") for table in tables] == before


def test_rule_8_2_the_plan_that_a_period_holds_decides_whether_it_is_refunded(bought: Shop) -> None:
    """Two periods are paid. FINAL, which is never refunded, comes with the third one."""
    bought.do(Extend(subscription="s1", cycles=1))
    bought.do(plan("FINAL", when=When.RENEWAL))
    bought.do(Extend(subscription="s1", cycles=1))
    bought.do(Terminate(subscription="s1", reason="moved"), at(10))
    given = bought.rows(
        "SELECT p.start, r.amount FROM refunds r JOIN periods p ON p.id = r.period ORDER BY 1"
    )
    assert [(str(start), f"{amount:.2f}") for start, amount in given] == [
        ("2021-03-01", "50.00"),
        ("2021-04-01", "50.00"),
    ]


def test_rule_8_2_a_change_to_a_plan_without_refunds_takes_the_refund_away(bought: Shop) -> None:
    bought.do(plan("FINAL"), at(12))
    bought.do(Terminate(subscription="s1", reason="moved"), at(13))
    assert bought.rows("SELECT * FROM refunds") == []


def test_rule_8_4_the_database_refuses_more_than_all_charges_of_a_period(bought: Shop) -> None:
    bought.do(plan("BIZ"), at(1))
    give = (
        "INSERT INTO refunds (operation, period, amount) SELECT max(o.id), max(p.id), {} "
        "FROM operations o, periods p"
    )
    with pytest.raises(Exception, match="exceed what was paid"):
        bought.run(give.format("90.01"))
    bought.run(give.format("90.00"))


def test_rule_9_changes_at_once_have_one_order_and_the_second_is_judged_by_the_first(
    bought: Shop, at_once
) -> None:
    """Ten callers ask for BIZ: it is charged once. The others would change nothing."""
    results = at_once([lambda: bought.do(plan("BIZ"), at(12))] * 10)
    assert sorted(str(rule_of(result)) for result in results) == ["9"] * 9 + ["None"]
    assert bought.value("SELECT count(*) FROM operations WHERE purpose = 'prorated'") == 1
    quantities = [lambda n=n: bought.do(seats(n), at(12)) for n in range(1, 9)]
    results = at_once(quantities)
    assert [rule_of(result) for result in results if rule_of(result) not in (None, "9")] == []
    held = bought.value("SELECT (addons->>'SEAT')::int FROM subscriptions")
    assert held in range(1, 9)


def test_rule_9_a_change_and_a_termination_at_once_are_one_after_the_other(
    bought: Shop, at_once
) -> None:
    changed, ended = at_once(
        [
            lambda: bought.do(plan("BIZ"), at(2)),
            lambda: bought.do(Terminate(subscription="s1", reason="moved"), at(2)),
        ]
    )
    assert rule_of(ended) is None
    assert rule_of(changed) in (None, "2")
    paid, given = (
        bought.value(f"SELECT coalesce(sum(amount), 0) FROM {table}")
        for table in ("period_charges", "refunds")
    )
    assert paid == given


def test_the_plan_on_a_day_in_sql_is_that_in_python_for_made_up_changes(bought: Shop) -> None:
    made = Random(9)
    sku_on = text("SELECT sku_on(s, :day) FROM subscriptions s")
    for _ in range(60):
        since = sorted(
            made.choice([None, DAY.date() + timedelta(days=made.randrange(40))]) or date.max
            for _ in range(made.randrange(5))
        )
        coming = tuple(
            Coming(
                item=made.choice([Item.PLAN, Item.ADDON]),
                name="x",
                sku=made.choice(["BIZ", "FINAL"]),
                amount=1,
                since=None if day == date.max else day,
            )
            for day in since
        )
        with bought.ledger.work(DAY, account="acme") as work:
            held = work.subscription("s1")
            work.save(replace(held, coming=coming, version=held.version + 1))
        with bought.ledger.engine.connect() as connection:
            row = connection.execute(SUBSCRIPTIONS).one()
            for days in range(-1, 42, 3):
                day = DAY.date() + timedelta(days=days)
                in_sql = connection.execute(sku_on, {"day": day}).scalar_one()
                assert in_sql == subscription_from(row).contents_on(day).sku, (coming, day)


def test_the_list_shows_the_plan_of_the_account_s_day(bought: Shop) -> None:
    """BIZ is paid for from 04-01 on. The row of the subscription is not written anew then."""
    bought.do(plan("BIZ", when=When.RENEWAL))
    bought.do(Extend(subscription="s1", cycles=1))
    bought.put_on_clock()
    shown = "SELECT sku FROM subscription_list"
    assert bought.value(shown) == "PRO"
    bought.run("UPDATE clocks SET now = '2021-03-31T23:59:59Z'")
    assert bought.value(shown) == "PRO"
    bought.run("UPDATE clocks SET now = '2021-04-01T00:00:00Z'")
    assert bought.value(shown) == "BIZ"
    assert bought.value("SELECT sku FROM subscriptions") == "PRO"


def test_rule_2_what_has_ended_has_no_change_to_come(bought: Shop) -> None:
    bought.do(plan("BIZ", when=When.RENEWAL))
    bought.do(Terminate(subscription="s1", reason="moved"), at(2))
    assert bought.rows("SELECT status, coming FROM subscriptions") == [("TERMINATED", None)]
    with pytest.raises(IntegrityError, match="subscriptions_coming"):
        bought.run("UPDATE subscriptions SET coming = '[]'")
