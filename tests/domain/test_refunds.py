"""Rules 8.2, 8.3, 8.4: what terminating gives back."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calendar import last_paid_day
from core.domain.fees import Line, payable
from core.domain.policy import DEFAULT
from core.domain.refunds import PaidPeriod, Refund, months_begun, period_refund, refunds
from core.domain.subscription import Contract
from tests.domain.made import day, subscription


def period(
    start: str,
    months: int = 1,
    paid: str = "120.00",
    *,
    id_: int = 1,
    payer: str = "acme",
    expiry: str | None = None,
    **more: object,
) -> PaidPeriod:
    begin = day(start)
    end = last_paid_day(begin, months) if expiry is None else day(expiry)
    values: dict[str, Any] = {"refunded": Decimal(0), "refundable": True, **more}
    return PaidPeriod(
        id=id_, payer=payer, start=begin, expiry=end, months=months, paid=Decimal(paid), **values
    )


def given_back(period: PaidPeriod, today: str) -> str:
    return str(period_refund(period, day(today), 14, "USD"))


# --- 8.2, every line of its table: a month of the period is 10.00 ---------------------------------


@pytest.mark.parametrize(
    ("of", "today", "amount"),
    [
        (period("2021-04-01", 12), "2021-04-12", "120.00"),  # day 11: everything
        (period("2021-04-01", 12), "2021-04-17", "110.00"),  # day 16, 1 month begun: 120 × 11/12
        (period("2021-06-12", 2, "20.00"), "2021-06-25", "20.00"),  # 06-12..08-11, day 13
        (period("2021-06-12", 2, "20.00"), "2021-06-30", "10.00"),  # day 18, 1 begun: 20 × 1/2
        (
            period("2024-01-31", 12),
            "2024-02-28",
            "110.00",
        ),  # day 28; month 1 begins on 02-29: 1 begun, 120 × 11/12
        (period("2024-01-31", 12), "2024-02-29", "100.00"),  # 2 begun: 120 × 10/12
        (period("2024-01-31", 12), "2024-03-01", "100.00"),  # month 2 begins on 03-31: still 2
        (
            period("2024-02-29", 1, "10.00", expiry="2024-03-30"),
            "2024-03-29",
            "0.00",
        ),  # 02-29..03-30, day 29, 1 of 1 begun
        (period("2021-04-01", 1, "10.00"), "2021-04-15", "10.00"),  # monthly, day +14
        (period("2021-04-01", 1, "10.00"), "2021-04-16", "0.00"),  # monthly, day +15
    ],
)
def test_rule_8_2_each_line_of_the_table(of: PaidPeriod, today: str, amount: str) -> None:
    assert given_back(of, today) == amount


def test_rule_8_2_on_day_25_only_the_next_period_is_given_back() -> None:
    this, following = period("2021-04-01", paid="10.00"), period("2021-05-01", paid="11.00", id_=2)
    assert refunds([this, following], DEFAULT, day("2021-04-26"), "USD") == [
        Refund("acme", {2: Decimal("11.00")}, Decimal(0))
    ]


def test_rule_8_2_a_period_whose_last_day_is_past_gives_nothing_its_last_day_still_counts() -> None:
    short = period("2021-04-01", expiry="2021-04-10")
    assert given_back(short, "2021-04-10") == "120.00"
    assert given_back(short, "2021-04-11") == "0"


def test_rule_8_2_left_over_days_count_as_one_month_more() -> None:
    # 2020-12-16..2021-01-31 is a month and 16 days, which count as 2 months. 75.81 is paid.
    # Day 30 is in the first month. Day 31 is in the second, so 0 of 2 months are left.
    extended = period("2020-12-16", 2, "75.81", expiry="2021-01-31")
    assert given_back(extended, "2021-01-15") == "37.91"  # 75.81 × 1/2 = 37.905
    assert given_back(extended, "2021-01-16") == "0.00"


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", "66.67"), ("JPY", "67"), ("KWD", "66.667")]
)
def test_rule_8_2_each_period_is_rounded_once_half_up_to_the_minor_unit(
    currency: str, amount: str
) -> None:
    assert (
        str(period_refund(period("2021-04-01", 3, "100"), day("2021-04-20"), 14, currency))
        == amount
    )  # 100 × 2/3


def test_rule_8_2_the_window_is_the_policys() -> None:
    monthly, none = period("2021-04-01"), replace(DEFAULT, refund_window_days=0)
    assert refunds([monthly], none, day("2021-04-01"), "USD")[0].amount == 120
    assert refunds([monthly], none, day("2021-04-02"), "USD") == []


def test_rule_8_2_nothing_is_given_back_where_policy_or_sku_do_not_allow_it() -> None:
    monthly, fixed = period("2021-04-01"), period("2021-04-01", id_=2, refundable=False)
    [back] = refunds([monthly, fixed], DEFAULT, day("2021-04-02"), "USD")
    assert back.periods == {1: Decimal("120.00")}
    refused = replace(DEFAULT, refund_allowed=False)
    assert refunds([monthly, fixed], refused, day("2021-04-02"), "USD") == []


# --- 8.3: what is kept ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fees", "kept", "amount"),
    [({"USD": "5"}, "5", "15.00"), ({"USD": "99"}, "20.00", "0.00"), ({"EUR": "5"}, "0", "20.00")],
)
def test_rule_8_3_the_fee_is_deducted_once_and_never_below_zero(
    fees: dict[str, str], kept: str, amount: str
) -> None:
    policy = replace(
        DEFAULT, refund_admin_fee={currency: Decimal(fee) for currency, fee in fees.items()}
    )
    [back] = refunds(
        [period("2021-04-01", paid="10.00"), period("2021-05-01", paid="10.00", id_=2)],
        policy,
        day("2021-04-02"),
        "USD",
    )
    assert (back.admin_fee, back.amount) == (Decimal(kept), Decimal(amount))


def test_rule_8_3_what_an_external_invoice_paid_is_not_given_back() -> None:
    assert refunds([period("2021-04-01", paid="0")], DEFAULT, day("2021-04-02"), "USD") == []


@pytest.mark.parametrize(
    ("fee", "old", "new"),
    [
        # A year of 120.00 that a paid, with a change of 12.05 that b paid. One month has begun:
        # a gets 120 × 11/12 = 110.00, b gets 12.05 × 11/12 = 11.0458. b's next year is whole.
        ("0", ("110.00", "110.00"), ("131.05", "131.05")),
        # The fee comes off the first payer's refund only.
        ("10.00", ("110.00", "100.00"), ("131.05", "131.05")),
        # It does not go below zero there, and the second payer pays none of the rest.
        ("115.00", ("110.00", "0.00"), ("131.05", "131.05")),
    ],
)
def test_rule_8_3_each_payer_gets_its_own_money_and_the_fee_comes_off_the_first(
    fee: str, old: tuple[str, str], new: tuple[str, str]
) -> None:
    back = refunds(
        [
            period("2021-04-01", 12, "120.00", payer="a"),
            period("2021-04-01", 12, "12.05", payer="b"),
            period("2022-04-01", 12, "120.00", payer="b", id_=2),
        ],
        replace(DEFAULT, refund_admin_fee={"USD": Decimal(fee)}),
        day("2021-04-17"),
        "USD",
    )
    assert [refund.payer for refund in back] == ["a", "b"]
    assert [(str(refund.given), str(refund.amount)) for refund in back] == [old, new]
    assert back[1].periods == {1: Decimal("11.05"), 2: Decimal("120.00")}


def test_rule_8_3_the_first_payer_is_the_first_that_gets_something_back() -> None:
    fee = replace(DEFAULT, refund_admin_fee={"USD": Decimal("5.00")})
    old, new = period("2021-04-01", payer="a"), period("2021-05-01", payer="b", id_=2)
    assert refunds([old, new], fee, day("2021-05-02"), "USD") == [
        Refund("b", {2: Decimal("120.00")}, Decimal("5.00"))
    ]


# --- 8.4: never more than was paid ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("refunded", "amount"), [("0", "120.00"), ("119.99", "0.01"), ("120.00", "0.00")]
)
def test_rule_8_4_what_was_given_back_already_is_not_given_back_again(
    refunded: str, amount: str
) -> None:
    of = period("2021-04-01", refunded=Decimal(refunded))
    assert given_back(of, "2021-04-02") == amount
    whole = refunds([of], DEFAULT, day("2021-04-02"), "USD")
    assert [str(one.amount) for one in whole] == ([amount] if refunded != "120.00" else [])


cents = st.integers(0, 10**9).map(lambda n: Decimal(n).scaleb(-2))
starts = st.dates(date(1999, 1, 1), date(2030, 12, 31))


@st.composite
def periods(draw: st.DrawFn) -> PaidPeriod:
    paid = draw(cents)
    given_already = draw(st.integers(0, 100)) * paid / 100
    start, months = draw(starts), draw(st.integers(1, 36))
    return PaidPeriod(
        1,
        "acme",
        start,
        last_paid_day(start, months),
        months,
        paid,
        given_already,
        draw(st.booleans()),
    )


@given(periods(), st.integers(-400, 1500), st.integers(0, 60))
def test_rule_8_4_a_refund_is_never_negative_and_never_above_what_is_left_of_what_was_paid(
    of: PaidPeriod, days: int, window: int
) -> None:
    amount = period_refund(of, of.start + timedelta(days=days), window, "USD")
    assert 0 <= amount <= of.paid - of.refunded


@given(periods(), st.integers(-30, 1500), st.integers(0, 60))
def test_rule_8_2_a_refund_does_not_grow_from_one_day_to_the_next(
    of: PaidPeriod, days: int, window: int
) -> None:
    today = of.start + timedelta(days=days)
    assert period_refund(of, today + timedelta(days=1), window, "USD") <= period_refund(
        of, today, window, "USD"
    )


@given(starts, st.integers(1, 36), st.integers(-40, 1300))
def test_rule_8_2_months_begun_agree_with_a_walk_day_by_day(
    start: date, months: int, days: int
) -> None:
    today = start + timedelta(days=days)
    firsts = {last_paid_day(start, j) + timedelta(days=1) for j in range(months)}
    begun = sum(start + timedelta(days=n) in firsts for n in range(days + 1))
    assert months_begun(start, months, today) == begun


@given(st.lists(periods(), max_size=4), cents, st.integers(-10, 800))
def test_rule_8_3_a_termination_gives_back_the_sum_of_its_periods_less_the_fee(
    paid: list[PaidPeriod], fee: Decimal, days: int
) -> None:
    numbered = [replace(p, id=n) for n, p in enumerate(paid)]
    today = (numbered[0].start if numbered else date(2021, 1, 1)) + timedelta(days=days)
    policy = replace(DEFAULT, refund_admin_fee={"USD": fee})
    back = refunds(numbered, policy, today, "USD")
    assert all(refund.amount >= 0 for refund in back)
    assert sum(refund.given for refund in back) == sum(
        period_refund(p, today, 14, "USD") for p in numbered
    )
    assert all(amount > 0 for refund in back for amount in refund.periods.values())


# --- 8.3: contracts -------------------------------------------------------------------------------


# Bought on 2021-04-01: a year that is under way, and the next one, which is paid already.
@pytest.mark.parametrize(
    ("today", "since", "amounts"),
    [
        ("2021-04-15", "2021-04-01", {1: "120.00", 2: "120.00"}),  # day 14
        ("2021-04-16", "2021-04-01", {}),  # day 15: not even the next period
        ("2021-04-15", "2021-03-31", {}),  # a free period came before
        ("2021-04-16", None, {1: "110.00", 2: "120.00"}),
    ],
)
def test_rule_8_3_a_contract_as_incurred_gives_all_back_in_the_window_and_then_nothing(
    today: str, since: str | None, amounts: dict[int, str]
) -> None:
    periods = [period("2021-04-01", 12), period("2022-04-01", 12, id_=2)]
    contract_since = None if since is None else day(since)
    given_back = refunds(periods, DEFAULT, day(today), "USD", contract_since)
    assert [{id_: str(it) for id_, it in one.periods.items()} for one in given_back] == (
        [amounts] if amounts else []
    )
    assert refunds([], DEFAULT, day(today), "USD", contract_since) == []


def test_rule_8_3_under_a_milestone_the_wallet_pays_nothing() -> None:
    lines = [Line("s1 primary PRO-M", Decimal("50.00"))]
    assert payable(subscription(contract=Contract.MILESTONE), lines) == 0
    assert payable(subscription(contract=Contract.AS_INCURRED), lines) == 50
    assert payable(subscription(), lines) == 50
