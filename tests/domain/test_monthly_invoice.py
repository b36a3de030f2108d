"""The monthly invoice and activation fees (Rules 3.2, 10.1, 11.4)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.domain import catalog as catalogs
from core.domain import policy
from core.domain.account_closing import close
from core.domain.activation_fees import ActivationFee, fees_of
from core.domain.fees import Line
from core.domain.monthly_invoice import (
    last_day,
    make_invoice,
    month_of,
    monthly_step,
    wait_for_invoice,
)
from core.domain.planner.account_steps import next_account_step
from core.domain.steps import StepKind
from core.domain.subscription import Account

ACME = Account(id="acme", seller="main", currency="USD", timezone="Asia/Singapore")
MARCH, APRIL = date(2021, 3, 1), date(2021, 4, 1)


@pytest.mark.parametrize(
    ("now", "zone", "month"),
    [
        (datetime(2021, 3, 31, 15, 59, tzinfo=UTC), "Asia/Singapore", MARCH),  # 03-31 23:59
        (datetime(2021, 3, 31, 16, 0, tzinfo=UTC), "Asia/Singapore", APRIL),  # 04-01 00:00
        # St. John's set its clock back from 00:01 on 11-01 to 23:01 on 10-31. November had begun.
        (datetime(2009, 11, 1, 2, 29, tzinfo=UTC), "America/St_Johns", date(2009, 10, 1)),
        (datetime(2009, 11, 1, 2, 30, tzinfo=UTC), "America/St_Johns", date(2009, 11, 1)),
        (datetime(2009, 11, 1, 2, 45, tzinfo=UTC), "America/St_Johns", date(2009, 11, 1)),
    ],
)
def test_an_amount_stands_on_the_invoice_of_the_month_in_which_it_was_charged(
    now: datetime, zone: str, month: date
) -> None:
    assert month_of(now, zone) == month


@pytest.mark.parametrize(
    ("month", "last"),
    [
        (MARCH, date(2021, 3, 31)),
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2021, 12, 1), date(2021, 12, 31)),
    ],
)
def test_the_invoice_is_dated_the_last_day_of_its_month(month: date, last: date) -> None:
    assert last_day(month) == last


def test_it_is_made_at_the_first_instant_of_the_next_month_in_the_account_s_zone() -> None:
    step = monthly_step(wait_for_invoice(ACME, MARCH), policy.DEFAULT)
    assert step is not None
    assert (step.kind, step.due, step.rule) == (
        StepKind.MONTHLY_INVOICE,
        datetime(2021, 3, 31, 16, tzinfo=UTC),  # 04-01 in Singapore
        "11.4",
    )
    assert step.kind.rank == 0


def test_an_account_of_which_nothing_waits_makes_none() -> None:
    assert monthly_step(ACME, policy.DEFAULT) is None


def test_the_first_amount_of_a_month_plans_its_invoice() -> None:
    march = wait_for_invoice(ACME, MARCH)
    assert (march.uninvoiced, march.version) == ((MARCH,), 2)
    assert wait_for_invoice(march, MARCH) is march


def test_months_that_wait_are_invoiced_one_after_the_other_oldest_first() -> None:
    both = wait_for_invoice(wait_for_invoice(ACME, APRIL), MARCH)
    assert both.uninvoiced == (MARCH, APRIL)
    after = make_invoice(both)
    assert (after.uninvoiced, after.version) == ((APRIL,), 4)
    assert make_invoice(after) == replace(ACME, version=5)


def test_a_closed_account_still_gets_its_monthly_invoice() -> None:
    """Closed on 03-10: the invoice of March is due on 04-01, the closing for good on 04-10."""
    closed = close(wait_for_invoice(ACME, MARCH), date(2021, 3, 10))
    first = next_account_step(closed, policy.DEFAULT)
    assert first is not None
    assert first.kind is StepKind.MONTHLY_INVOICE
    second = next_account_step(make_invoice(closed), policy.DEFAULT)
    assert second is not None
    assert second.kind is StepKind.CLOSE_FOR_GOOD


CATALOG = catalogs.load(
    [
        {
            "sku": "DID",
            "kind": "number",
            "months": 1,
            "prices": {"USD": "10.00", "EUR": "9.00"},
            "activation_fee": {"USD": "5.005", "JPY": "100.5"},
        },
        {"sku": "DID", "activation_fee": {"USD": "6.00"}, "from": "2021-04-01"},
        {"sku": "FREE", "kind": "number", "months": 1, "prices": {"USD": "1.00"}},
        {
            "sku": "ZERO",
            "kind": "number",
            "months": 1,
            "prices": {"USD": "1.00"},
            "activation_fee": {"USD": "0.00"},
        },
    ]
)


@pytest.mark.parametrize(
    ("sku", "currency", "on", "amount"),
    [
        ("DID", "USD", date(2021, 3, 31), "5.01"),  # 5.005 is rounded once, half up (Rule 3.2)
        ("DID", "USD", date(2021, 4, 1), "6.00"),  # a later version (Rule 3.5)
        ("DID", "JPY", date(2021, 3, 31), "101"),
        ("DID", "JPY", date(2021, 4, 1), "101"),  # the later version does not name it
        ("DID", "EUR", date(2021, 3, 31), None),  # none in this currency
        ("FREE", "USD", date(2021, 3, 31), None),
        ("ZERO", "USD", date(2021, 3, 31), None),
    ],
)
def test_the_activation_fee_of_a_number(
    sku: str, currency: str, on: date, amount: str | None
) -> None:
    expected = [] if amount is None else [ActivationFee("+65", Decimal(amount))]
    assert fees_of({"+65": sku}, CATALOG, currency, on) == expected


def test_each_number_has_a_line_in_the_order_in_which_they_were_named() -> None:
    fees = fees_of({"+66": "DID", "+65": "DID"}, CATALOG, "USD", date(2021, 4, 1))
    assert [fee.line for fee in fees] == [
        Line("Activation fee for number +66", Decimal("6.00")),
        Line("Activation fee for number +65", Decimal("6.00")),
    ]
