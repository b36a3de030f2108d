"""The figures of the wall agree with the reports of money, the ledger and the rules."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.commands.purchase import Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.commands.usage import Usage
from doors.application import test_clocks as clocks
from doors.queries.list_names import MoneyReport
from doors.queries.reports import money_report
from doors.queries.wall.failures import failures
from doors.queries.wall.health import health
from doors.queries.wall.money import money
from doors.queries.wall.recurring import expected, recurring
from doors.queries.wall.renewals import lateness, renewals
from doors.queries.wall.retention import retention
from doors.queries.wall.scope import Scope, Unit, last_days
from tests.ledger.conftest import DAY, Shop

ZERO = Decimal(0)


def scope(shop: Shop, first: str, last: str, now: str | None = None) -> Scope:
    """The days from `first` to before `last`. `now`: default `last`."""
    days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last, now or last)]
    return Scope(shop.ledger, "c", days[2], days[0], days[1])


async def _live(shop: Shop, until: datetime) -> None:
    await clocks.advance(shop.ledger, shop.engine, "c", until)


@pytest.fixture
async def lived(shop: Shop) -> Shop:
    """Three accounts on a test clock live from 2021-03-01 to 2021-05-20.

    `rich` renews. `poor` fails on 03-24 and is healed by a top-up on 03-25, then fails on 04-24 and
    is recovered. `gone` fails on 03-24 and expires on 04-01.
    """
    for account, credits_ in (("rich", "1000.00"), ("poor", "60.00"), ("gone", "50.00")):
        shop.open(account, credits_)
    for account in ("rich", "poor", "gone"):
        shop.buy(f"s-{account}", account)
    shop.buy("s-two", "rich", quantity=2)
    shop.put_on_clock()
    at = datetime(2021, 3, 25, 12, tzinfo=UTC)
    await _live(shop, at)
    shop.do(TopUp(account="poor", amount=Decimal("40.00")), at)
    at = datetime(2021, 4, 26, 12, tzinfo=UTC)
    await _live(shop, at)
    shop.do(TopUp(account="rich", amount=Decimal("5.00")), at)
    shop.do(Usage(account="rich", amount=Decimal("1.23456"), text="calls"), at)
    shop.do(Recover(subscription="s-poor", invoice_number="EXT-1"), at)
    shop.do(Unsubscribe(subscription="s-poor"), at)
    shop.do(Terminate(subscription="s-two", reason="leaves"), at)
    await _live(shop, datetime(2021, 5, 20, tzinfo=UTC))
    return shop


async def test_rule_11_3_a_month_of_days_is_the_reports_of_money(lived: Shop) -> None:
    for month in (3, 4, 5):
        first = date(2021, month, 1)
        days = money(scope(lived, f"2021-0{month}-01", f"2021-0{month + 1}-01"))

        def total(name: MoneyReport, column: str, month: date = first) -> Decimal:
            rows = money_report(lived.ledger, name, month, month, with_test_clocks=True)
            return sum((Decimal(str(row.values[column])) for row in rows), ZERO)

        assert sum((it.came_in for it in days), ZERO) == total(MoneyReport.MONEY_IN, "amount")
        assert sum((it.fees for it in days), ZERO) == total(MoneyReport.FEES, "amount")
        assert sum((it.refunds for it in days), ZERO) == total(MoneyReport.REFUNDS, "to_wallets")
    whole = money(scope(lived, "2021-03-01", "2021-06-01"))
    moved = sum((it.came_in - it.fees + it.refunds for it in whole), ZERO)
    assert moved == lived.value("SELECT sum(balance) FROM accounts")


async def test_rule_5_renewals_are_counted_by_day_and_hour(lived: Shop) -> None:
    march = renewals(scope(lived, "2021-03-01", "2021-04-01"), Unit.DAY)
    told = {(it.begin.day, it.made, it.healed, it.failed, it.failed_again) for it in march}
    assert {(24, 2, 0, 2, 0), (25, 1, 1, 0, 0)} <= told
    assert sum(it.made for it in march) == lived.value(
        "SELECT count(*) FROM history WHERE event = 'renewed' AND at < '2021-04-01Z'"
    )
    hours = renewals(scope(lived, "2021-03-25", "2021-03-26"), Unit.HOUR)
    assert [(it.begin.hour, it.made) for it in hours] == [(12, 1)]
    ahead = renewals(scope(lived, "2021-05-20", "2021-06-30"), Unit.DAY)
    due = lived.rows("SELECT due::date FROM steps WHERE kind = 'renew'")
    assert [(it.begin.date(), it.due) for it in ahead if it.due] == [(day, 1) for (day,) in due]


async def test_rule_5_4_failures_tell_their_reason_and_what_became_of_them(lived: Shop) -> None:
    found = failures(scope(lived, "2021-03-01", "2021-06-01"))
    reason = "usable credits do not cover the fee"
    assert [(it.reason, it.outcome, it.count) for it in found] == [
        (reason, "a top-up", 1),
        (reason, "recovered by command", 1),
        (reason, "expired", 1),
    ]


async def test_rule_13_an_outage_makes_renewals_late(shop: Shop) -> None:
    shop.open("acme")
    shop.buy()
    shop.put_on_clock()
    back = datetime(2021, 3, 27, 5, tzinfo=UTC)
    await clocks.advance(shop.ledger, shop.engine, "c", back, outage=True)
    counted = dict(lateness(scope(shop, "2021-03-01", "2021-04-01")))
    assert {words: count for words, count in counted.items() if count} == {"within a week": 1}


async def test_rule_3_what_is_expected_costs_what_it_then_costs(lived: Shop) -> None:
    today = scope(lived, "2021-05-01", "2021-05-21", "2021-05-20")
    found = expected(today)
    (revenue,) = recurring(today)
    assert (revenue.subscriptions, revenue.monthly, revenue.not_priced) == (1, Decimal(50), 0)
    await _live(lived, today.now + timedelta(days=30))
    made = lived.rows(
        "SELECT at::date, count(*), -sum(amount) FROM history "
        "WHERE event = 'renewed' AND at > '2021-05-20Z' GROUP BY 1 ORDER BY 1"
    )
    assert [(it.day, it.renewals, it.amount) for it in found] == made


async def test_who_stays_and_who_goes(lived: Shop) -> None:
    cohorts, churn = retention(scope(lived, "2021-05-01", "2021-05-21", "2021-05-20"))
    march = next(it for it in cohorts if it.month == date(2021, 3, 1))
    assert (march.bought, march.stayed) == (4, (4, 2, 2))
    told = [(it.before, it.bought, it.ended) for it in churn[-3:]]
    assert told == [(0, 4, 0), (4, 0, 2), (2, 0, 0)]


@pytest.mark.parametrize(
    ("what", "spoilt"),
    [
        ("steps that are overdue", "UPDATE steps SET due = '2020-01-01Z' WHERE subject = 's1'"),
        (
            "card charges without an outcome",
            "INSERT INTO card_charges (key, account, card, amount, currency, asked_at, calls) "
            "VALUES ('k', 'acme', 'sim_ok', 5, 'USD', '2020-01-01Z', 1)",
        ),
        ("notices that are overdue", "UPDATE messages SET due = '2020-01-01Z'"),
        (
            "subscriptions whose workflow was not started",
            "UPDATE subscriptions SET planned_at = '2020-01-01Z'",
        ),
    ],
)
def test_what_waits_is_counted_with_its_age(shop: Shop, what: str, spoilt: str) -> None:
    shop.open()
    shop.buy()
    shop.run("UPDATE subscriptions SET workflow_started = true")
    now = Scope(shop.ledger, None, DAY, DAY, DAY)
    assert {it.count for it in health(now)} == {0}
    if "workflow" in what:
        shop.force("UPDATE subscriptions SET workflow_started = false")
    shop.force(spoilt)
    (found,) = [it for it in health(now) if it.count]
    assert found.what == what
    assert found.oldest == datetime(2020, 1, 1, tzinfo=UTC)


def test_the_last_days_are_bounded(shop: Shop) -> None:
    week = last_days(shop.ledger, 7)
    assert week.until - week.since == timedelta(days=7)
    assert week.since <= week.now < week.until
    with pytest.raises(ValueError, match="1 to 62 days are shown, not 63"):
        last_days(shop.ledger, 63)
    with pytest.raises(LookupError):
        last_days(shop.ledger, 7, "unknown")


def test_another_seller_sees_nothing(shop: Shop) -> None:
    shop.open()
    shop.do(Purchase(subscription="s1", account="acme", sku="PRO"))
    assert renewals(Scope(shop.ledger, None, DAY, DAY, DAY + timedelta(days=60)), Unit.DAY)
    other = shop.ledger.__class__(shop.ledger.engine, "other")
    assert not renewals(Scope(other, None, DAY, DAY, DAY + timedelta(days=60)), Unit.DAY)
    assert not recurring(Scope(other, None, DAY, DAY, DAY))
