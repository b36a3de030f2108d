"""The reports of money agree with one another and with the postings (Rules 11.1 to 11.6)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import ProgrammingError

from core.domain.commands.adjust import Adjust
from core.domain.commands.pay_invoice import PayInvoice
from core.domain.commands.purchase import Purchase
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.transfer import Transfer
from core.domain.commands.usage import Usage
from core.domain.faults import Faults
from core.domain.subscription import Mode
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.application import test_clocks as clocks
from doors.queries.list_names import MoneyReport
from doors.queries.reports import COLUMNS, ReportRow, money_report
from settings import PROJECT
from tests.ledger.conftest import DAY, Shop
from tests.simulation.test_examples import EXAMPLES, PLAYED
from tests.stories.story import tell

FIRST, LAST = date(2019, 1, 1), date(2028, 12, 1)
ZERO = Decimal(0)


def read(ledger: Ledger, name: MoneyReport, first: date = FIRST, last: date = LAST) -> list[Any]:
    return money_report(ledger, name, first, last, with_test_clocks=True)


def total(rows: list[ReportRow], column: str, **where: str) -> Decimal:
    found = [row for row in rows if all(row.values[k] == v for k, v in where.items())]
    return sum((Decimal(str(row.values[column])) for row in found), ZERO)


def books(ledger: Ledger) -> dict[str, Decimal]:
    """The sum of each book, from the postings themselves."""
    with ledger.read() as connection:
        rows = connection.exec_driver_sql("SELECT book, sum(amount) FROM postings GROUP BY book")
        return {row.book: row.sum for row in rows}


def sql(ledger: Ledger, query: str) -> Decimal:
    with ledger.read() as connection:
        return Decimal(connection.exec_driver_sql(query).scalar_one() or 0)


def check(ledger: Ledger) -> None:
    """Every report sums to the ledger, and they agree with one another, month by month."""
    ledger_sums = books(ledger)

    def book(*names: str) -> Decimal:
        return sum((ledger_sums.get(name, ZERO) for name in names), ZERO)

    found = {name: read(ledger, name) for name in MoneyReport}
    assert total(found[MoneyReport.MONEY_IN], "amount") == -book(
        "opening", "bank", "card", "transfers", "adjustments"
    )
    assert total(found[MoneyReport.FEES], "amount") == book("revenue", "usage")
    assert total(found[MoneyReport.REFUNDS], "given") == -book("refunds")
    assert total(found[MoneyReport.REFUNDS], "kept") == book("fees")
    margin = found[MoneyReport.MARGIN]
    assert total(margin, "cost") == book("suppliers")
    assert total(margin, "margin") == book("revenue", "usage", "refunds", "fees") - book(
        "suppliers"
    )
    whole = found[MoneyReport.BOOKS]
    assert total(whole, "amount") == 0
    balances = sql(ledger, "SELECT sum(balance) FROM accounts")
    assert total(whole, "amount", book="wallet") == balances
    assert balances == (
        total(found[MoneyReport.MONEY_IN], "amount")
        - total(found[MoneyReport.FEES], "amount")
        + total(found[MoneyReport.REFUNDS], "to_wallets")
    )
    for month in {(row.month, row.currency) for row in whole}:
        of_month = [row for row in whole if (row.month, row.currency) == month]
        assert total(of_month, "amount") == 0, month
    deferred = found[MoneyReport.DEFERRED]
    assert total(deferred, "paid") == sql(ledger, "SELECT sum(amount) FROM period_charges")
    assert total(deferred, "refunded") == -book("refunds")
    left: dict[str, Decimal] = {}
    for row in deferred:
        assert row.values["before"] == left.get(row.currency, ZERO), row
        assert row.values["served"] >= 0, row
        left[row.currency] = row.values["deferred"]
    assert total(found[MoneyReport.RECEIVABLES], "amount") == sql(
        ledger,
        "SELECT sum(greatest(0, -(balance + unbilled))) FROM accounts WHERE mode = 'postpaid'",
    )


@pytest.mark.parametrize("name", PLAYED)
def test_every_report_of_an_example_sums_to_the_ledger(name: str, database: str) -> None:
    """Rules 11.3 to 11.6."""
    tell((EXAMPLES / f"{name}.yaml").read_text(), database)
    ledger = Ledger(connect(database, pool_size=1))
    try:
        check(ledger)
        assert all(not money_report(ledger, it, FIRST, LAST) for it in MoneyReport)
    finally:
        ledger.engine.dispose()


@pytest.fixture
def told(shop: Shop) -> Shop:
    """March 2021: money from each source, fees, usage, a refund. April: a renewal."""
    shop.open(credits_="100.00")
    shop.open("beta", "0.00")
    shop.buy()  # 50.00 for 03-01 to 03-31
    shop.do(TopUp(account="acme", amount=Decimal("30.00")))
    shop.do(Transfer(account="acme", to="beta", amount=Decimal("20.00")))
    shop.do(Adjust(account="beta", amount=Decimal("5.00"), reason="goodwill"))
    shop.do(Usage(account="beta", amount=Decimal("0.12345"), text="calls"))
    return shop


def values(shop: Shop, name: MoneyReport, month: date = date(2021, 3, 1)) -> list[tuple[Any, ...]]:
    rows = money_report(shop.ledger, name, month, month)
    return [tuple(row.values[it] for it in COLUMNS[name]) for row in rows]


def test_money_in_by_source_and_fees_by_purpose(told: Shop) -> None:
    assert values(told, MoneyReport.MONEY_IN) == [
        ("adjustments", "adjustment", 1, 5),
        ("bank", "top_up", 1, 30),
        ("opening", "opening credits", 1, 100),
        ("transfers", "transfer", 1, -20),
        ("transfers", "transfer in", 1, 20),
    ]
    assert values(told, MoneyReport.FEES) == [
        ("purchase", 1, 50),
        ("usage", 1, Decimal("0.12345")),
    ]
    check(told.ledger)


def test_a_refund_and_the_margin_rule_8_2(told: Shop) -> None:
    """Terminated on 03-11, within 14 days: all of 50.00 comes back, and 50 − 50 + 0.12345."""
    told.do(Terminate(subscription="s1", reason="x"), DAY + timedelta(days=10))
    assert values(told, MoneyReport.REFUNDS) == [("terminate", 1, 50, 0, 50)]
    usage = Decimal("0.12345")
    assert values(told, MoneyReport.MARGIN) == [(50, usage, 50, 0, 0, usage)]
    assert values(told, MoneyReport.DEFERRED) == [(0, 50, 50, 0, 0)]
    check(told.ledger)


def test_what_is_paid_is_served_day_by_day(told: Shop) -> None:
    """50.00 is paid on 03-16 for the 31 days up to 04-15. 16 of them are in March."""
    told.do(TopUp(account="beta", amount=Decimal("62.00")))
    told.do(Purchase(subscription="s2", account="beta", sku="PRO"), DAY + timedelta(days=15))
    [(before, paid, refunded, served, deferred)] = values(told, MoneyReport.DEFERRED)
    assert (before, paid, refunded) == (0, 100, 0)
    # s1: all of 50.00 is served. s2: 50 × 16 / 31 = 25.80645.
    assert (served, deferred) == (Decimal("75.80645"), Decimal("24.19355"))
    april = values(told, MoneyReport.DEFERRED, date(2021, 4, 1))
    assert april == [(Decimal("24.19355"), 0, 0, Decimal("24.19355"), 0)]


async def test_receivables_by_age_pay_the_oldest_invoice_first_rule_11_6(shop: Shop) -> None:
    shop.open(credits_="0.00", mode=Mode.POSTPAID, credit_limit=Decimal("900.00"))
    shop.put_on_clock()
    for month, amount in ((3, "10.00"), (4, "20.00"), (6, "40.00")):
        now = datetime(2021, month, 10, tzinfo=UTC)
        await clocks.advance(shop.ledger, shop.engine, "c", now)
        shop.do(Usage(account="acme", amount=Decimal(amount), text="calls"), now)
    end = datetime(2021, 7, 5, tzinfo=UTC)
    await clocks.advance(shop.ledger, shop.engine, "c", end)
    shop.do(PayInvoice(account="acme", amount=Decimal("12.00")), end)
    rows = read(shop.ledger, MoneyReport.RECEIVABLES)
    assert [(row.month, *row.values.values()) for row in rows] == [
        (date(2021, 4, 1), "61 to 90", 1, 18),
        (date(2021, 6, 1), "0 to 30", 1, 40),
    ]
    check(shop.ledger)
    shop.do(PayInvoice(account="acme", amount=Decimal("60.00")), end)
    assert read(shop.ledger, MoneyReport.RECEIVABLES) == []


def test_accounts_on_test_clocks_and_other_sellers_are_left_out(told: Shop) -> None:
    told.put_on_clock()
    assert money_report(told.ledger, MoneyReport.FEES, FIRST, LAST) == []
    shown = money_report(told.ledger, MoneyReport.FEES, FIRST, LAST, with_test_clocks=True)
    assert {row.on_test_clock for row in shown} == {True}
    other = replace(told.ledger, seller="rival")
    assert money_report(other, MoneyReport.FEES, FIRST, LAST, with_test_clocks=True) == []
    as_main = money_report(
        other, MoneyReport.FEES, FIRST, LAST, seller="main", with_test_clocks=True
    )
    assert as_main == shown


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2021, 4, 1), date(2021, 3, 1)),
        (date(2011, 3, 1), date(2021, 3, 1)),
        (date(2021, 3, 2), date(2021, 3, 1)),
    ],
)
def test_months_have_bounds(shop: Shop, first: date, last: date) -> None:
    with pytest.raises(Faults):
        money_report(shop.ledger, MoneyReport.FEES, first, last)


def test_a_role_for_reports_reads_the_views_and_nothing_else(told: Shop) -> None:
    create = (
        "DO $$ BEGIN CREATE ROLE {} LOGIN; "
        "EXCEPTION WHEN duplicate_object THEN NULL; WHEN unique_violation THEN NULL; END $$"
    )
    for role in ("perennial_app", "perennial_reports"):
        told.run(create.format(role))
    told.run((PROJECT / "deploy/postgres/roles.sql").read_text().replace("%", "%%"))
    url = told.ledger.engine.url.set(username="perennial_reports")
    reader = Ledger(connect(url.render_as_string(hide_password=False), pool_size=1))
    try:
        for name in MoneyReport:
            assert read(reader, name) == read(told.ledger, name)
        for statement in (
            "SELECT card FROM accounts",
            "SELECT * FROM postings",
            "UPDATE accounts SET owner = 'x'",
            "INSERT INTO sellers (id) VALUES ('x')",
        ):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                reader.engine.begin() as connection,
            ):
                connection.exec_driver_sql(statement)
    finally:
        reader.engine.dispose()


def test_a_report_reads_the_operations_of_its_months_only(told: Shop) -> None:
    """The condition on the month reaches the index of operations."""
    with told.ledger.engine.connect() as connection:
        connection.exec_driver_sql("SET enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in connection.exec_driver_sql(
                "EXPLAIN SELECT * FROM report_margin WHERE month = '2021-03-01'"
            )
        )
    assert "operations_month" in plan
