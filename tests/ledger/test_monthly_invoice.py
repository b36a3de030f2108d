"""The monthly invoice: what waits for it, when it is made, and what the database refuses (11.4)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import DatabaseError

from activities.number_invoices import number_invoices
from activities.numbers import charge_activation
from core.domain.activation_fees import ActivationFee
from core.domain.steps import StepKind, of_account
from core.ledger.invoice_facts import invoice_facts
from core.protocol.activity_messages import Outcome, StepRequest, StepResult
from doors.application import test_clocks as clocks
from doors.queries.invoice_reasons import lines_of_invoice
from tests.ledger.conftest import DAY, Shop

APRIL = datetime(2021, 4, 1, tzinfo=UTC)
MAY = datetime(2021, 5, 1, tzinfo=UTC)


def activate(shop: Shop, *numbers: str, now: datetime = DAY) -> None:
    """Charge 5.00 for the activation of each number."""
    fees = [ActivationFee(number, Decimal("5.00")) for number in numbers]
    with shop.ledger.work(now, account="acme") as work:
        charge_activation(work, "s1", fees)


def invoices(shop: Shop) -> list[tuple[date, str, int]]:
    """The monthly invoices: date, total, and how many lines."""
    return shop.rows(
        "SELECT date, total::numeric(9,2)::text, jsonb_array_length(lines) FROM invoices "
        "WHERE kind = 'monthly' ORDER BY seq"
    )


def waiting(shop: Shop) -> int:
    count: int = shop.value("SELECT count(*) FROM monthly_amounts WHERE invoice IS NULL")
    return count


def make(shop: Shop, now: datetime, version: int) -> StepResult:
    """Run the step of the account, as its workflow would."""
    request = StepRequest(subject=of_account("acme"), version=version, now=now)
    result: StepResult = shop.engine._activities.call("monthly_invoice", request)
    return result


@pytest.fixture
def bought(shop: Shop) -> Shop:
    """An account in a zone of its own, with a subscription, on a test clock at 2021-03-01."""
    shop.open()
    shop.buy()
    shop.put_on_clock()
    return shop


async def advance(shop: Shop, to: datetime, *, outage: bool = False) -> None:
    await clocks.advance(shop.ledger, shop.engine, "c", to, outage=outage)


async def test_amounts_of_a_month_are_on_one_invoice_dated_its_last_day(bought: Shop) -> None:
    activate(bought, "+65", "+66")
    activate(bought, "+67", now=DAY + timedelta(days=20))
    assert bought.value("SELECT balance FROM accounts") == Decimal("935.00")  # 1000 − 50 − 3 × 5
    await advance(bought, APRIL - timedelta(seconds=1))
    assert (invoices(bought), waiting(bought)) == ([], 3)
    await advance(bought, APRIL)
    assert (invoices(bought), waiting(bought)) == ([(date(2021, 3, 31), "15.00", 3)], 0)
    assert bought.value("SELECT lines -> 2 ->> 'text' FROM invoices WHERE kind = 'monthly'") == (
        "Activation fee for number +67"
    )
    assert bought.rows("SELECT at, amount, subscription FROM history WHERE event = 'invoiced'") == [
        (APRIL, None, None)
    ]
    assert bought.value("SELECT uninvoiced FROM accounts") is None
    assert bought.rows("SELECT subject FROM steps WHERE subject_kind = 'account'") == []


async def test_its_lines_are_in_the_order_of_time_whichever_process_wrote_them(shop: Shop) -> None:
    in_an_older_process = shop.by_lower_ids()
    shop.open()
    shop.buy()
    shop.put_on_clock()
    activate(shop, "+65")
    in_an_older_process()
    activate(shop, "+66", now=DAY + timedelta(days=1))
    await advance(shop, APRIL)
    [(id_, lines)] = shop.rows("SELECT id, lines FROM invoices WHERE kind = 'monthly'")
    assert [line["text"][-3:] for line in lines] == ["+65", "+66"]
    while number_invoices(shop.ledger):
        pass
    with shop.ledger.read() as connection:
        facts = invoice_facts(connection, id_)
    assert [line.text[-3:] for line in facts.lines] == ["+65", "+66"]
    number = shop.value(f"SELECT number FROM invoices WHERE id = {id_}")
    reasons = lines_of_invoice(shop.ledger, str(number)).reasons
    assert [reason.at.day for reason in reasons if reason.at] == [1, 2]


async def test_a_month_in_which_nothing_was_charged_has_none(bought: Shop) -> None:
    activate(bought, "+65")
    await advance(bought, MAY + timedelta(days=40))
    assert invoices(bought) == [(date(2021, 3, 31), "5.00", 1)]


async def test_it_holds_its_month_also_when_it_is_made_late(bought: Shop) -> None:
    """Rule 13: an outage until 04-20. Steps of before 04-01 are made then, and belong to April."""
    activate(bought, "+65")
    await advance(bought, APRIL - timedelta(days=1))
    activate(bought, "+66", now=APRIL + timedelta(days=19))
    await advance(bought, APRIL + timedelta(days=19), outage=True)
    assert invoices(bought) == [(date(2021, 3, 31), "5.00", 1)]
    assert bought.value("SELECT uninvoiced FROM accounts") == ["2021-04-01"]
    await advance(bought, MAY)
    assert invoices(bought)[1:] == [(date(2021, 4, 30), "5.00", 1)]


def test_it_comes_before_everything_else_of_its_account_at_the_same_instant(bought: Shop) -> None:
    """Rule 1.7: a subscription bought on 03-08 renews on 03-31 … moved here to 04-01."""
    activate(bought, "+65")
    bought.force(f"UPDATE steps SET due = '{APRIL.isoformat()}'")
    with bought.ledger.work(APRIL, account="acme") as work:
        first = work.first_due(())
    assert first is not None
    assert first.kind is StepKind.MONTHLY_INVOICE


def test_made_again_it_changes_nothing(bought: Shop) -> None:
    activate(bought, "+65")
    assert make(bought, APRIL, 2).outcome is Outcome.DONE
    assert make(bought, APRIL, 2).outcome is Outcome.STALE
    assert make(bought, APRIL, 3).outcome is Outcome.STALE
    assert invoices(bought) == [(date(2021, 3, 31), "5.00", 1)]


def test_before_its_instant_it_is_not_made(bought: Shop) -> None:
    activate(bought, "+65")
    assert make(bought, APRIL - timedelta(seconds=1), 2).outcome is Outcome.STALE


def test_the_first_amount_of_a_month_tells_the_workflow_of_the_account(bought: Shop) -> None:
    with bought.ledger.work(DAY, subscription="s1") as work:
        charge_activation(work, "s1", [ActivationFee("+65", Decimal(5))])
    told = "SELECT subject_kind, subject, version FROM tellings"
    assert bought.rows(told) == [("account", "acme", 2)]
    bought.run("DELETE FROM tellings")
    activate(bought, "+66")
    assert bought.rows(told) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE monthly_amounts SET amount = 1", "never change"),
        ("UPDATE monthly_amounts SET month = '2021-04-01'", "never change"),
        ("DELETE FROM monthly_amounts", "never deleted"),
        ("UPDATE accounts SET uninvoiced = NULL", "still wait"),
        ("UPDATE accounts SET uninvoiced = '[\"2021-04-01\"]'", "still wait"),
        (
            "INSERT INTO monthly_amounts SELECT id, 9, account, '2021-05-01', false, 'x', 1, NULL "
            "FROM operations WHERE purpose = 'purchase'",
            "does not plan the monthly invoice of 2021-05-01",
        ),
        (
            "INSERT INTO monthly_amounts SELECT id, 9, account, '2021-03-02', false, 'x', 1, NULL "
            "FROM operations WHERE purpose = 'purchase'",
            "monthly_amounts_month",
        ),
        (
            "INSERT INTO monthly_amounts SELECT id, 9, account, '2021-03-01', false, 'x', 0, NULL "
            "FROM operations WHERE purpose = 'purchase'",
            "monthly_amounts_amount",
        ),
        (
            "UPDATE monthly_amounts SET invoice = i.id FROM invoices i",
            "is not the monthly invoice of its amounts",
        ),
    ],
)
def test_what_the_database_refuses(bought: Shop, change: str, why: str) -> None:
    activate(bought, "+65")
    before = bought.rows("SELECT * FROM monthly_amounts"), bought.rows("SELECT * FROM accounts")
    with pytest.raises(DatabaseError, match=why):
        bought.run(change)
    assert before == (
        bought.rows("SELECT * FROM monthly_amounts"),
        bought.rows("SELECT * FROM accounts"),
    )


def test_an_amount_is_on_one_invoice_and_a_month_has_one(bought: Shop) -> None:
    activate(bought, "+65")
    make(bought, APRIL, 2)
    with pytest.raises(DatabaseError, match="it is on one invoice"):
        bought.run("UPDATE monthly_amounts SET invoice = NULL")
    with pytest.raises(DatabaseError, match="invoices_one_a_month"):
        bought.run(
            "INSERT INTO invoices (id, seller, account, operation, kind, date, currency, total, "
            "lines) SELECT 1, seller, account, (SELECT id FROM operations WHERE purpose = "
            "'activation fee'), kind, date, currency, total, lines FROM invoices "
            "WHERE kind = 'monthly'"
        )
