"""Rule 1.3 for customers of another system: which cycle is under way on the day of the import."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calendar import add_months, last_paid_day
from core.domain.imported_subscription import (
    anchor_by_tenure,
    judged_at,
    months_under_way,
    taken_over,
)
from core.domain.subscription import Period, Status, Subscription
from tests.domain.made import at, day

TODAY = date(2023, 4, 10)
NOW = at("2023-04-10T03:00")


def taken(anchor: date, months: int = 1, today: date = TODAY) -> tuple[Subscription, Period]:
    return taken_over(
        id_="s1",
        account="acme",
        sku="PRO-M",
        months=months,
        quantity=2,
        legacy=True,
        auto_renew=False,
        anchor=anchor,
        today=today,
        now=NOW,
        policy_version=3,
    )


@pytest.mark.parametrize(
    ("anchor", "months", "paid", "period"),
    [
        ("2023-01-31", 1, 3, "2023-03-31..2023-04-29"),
        ("2023-04-10", 1, 1, "2023-04-10..2023-05-09"),  # begins today
        ("2023-03-10", 1, 2, "2023-04-10..2023-05-09"),  # the next cycle begins today
        ("2023-03-11", 1, 1, "2023-03-11..2023-04-10"),  # today is the last day
        ("2022-04-11", 12, 12, "2022-04-11..2023-04-10"),
        ("2022-04-10", 12, 24, "2023-04-10..2024-04-09"),
        ("2020-02-29", 24, 48, "2022-02-28..2024-02-28"),
    ],
)
def test_rule_1_3_the_cycle_under_way_is_counted_from_the_anchor(
    anchor: str, months: int, paid: int, period: str
) -> None:
    subscription, under_way = taken(day(anchor), months)
    assert subscription.months_paid == paid
    assert subscription.cycles_paid == paid // months
    assert f"{under_way.start}..{under_way.expiry}" == period
    assert (under_way.months, under_way.scheduled_start, subscription.expiry) == (
        months,
        under_way.start,
        under_way.expiry,
    )


def test_what_is_known_of_a_customer_is_kept() -> None:
    subscription, _ = taken(day("2023-01-31"))
    assert (subscription.quantity, subscription.legacy, subscription.auto_renew) == (2, True, False)
    assert (subscription.status, subscription.planned_at, subscription.policy_version) == (
        Status.ACTIVE,
        NOW,
        3,
    )


def test_an_anchor_in_the_future_is_refused() -> None:
    with pytest.raises(ValueError, match="it begins on 2023-04-11, after today, 2023-04-10"):
        taken(day("2023-04-11"))


def test_a_customer_of_no_months_begins_today() -> None:
    assert anchor_by_tenure("7590-VHVEG", 0, TODAY) == TODAY


@given(st.text(max_size=12), st.integers(1, 100), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_an_anchor_by_tenure_lies_so_many_months_back_and_is_always_the_same(
    key: str, tenure: int, today: date
) -> None:
    anchor = anchor_by_tenure(key, tenure, today)
    assert anchor == anchor_by_tenure(key, tenure, today)
    assert (anchor.year, anchor.month) == (
        add_months(today.replace(day=1), -tenure).year,
        add_months(today.replace(day=1), -tenure).month,
    )
    assert anchor < today


@given(
    st.dates(date(1999, 1, 1), date(2030, 1, 1)),
    st.sampled_from([1, 2, 3, 12, 24]),
    st.integers(0, 4000),
)
def test_rule_1_3_the_months_under_way_agree_with_a_walk_cycle_by_cycle(
    anchor: date, cycle: int, days: int
) -> None:
    today = anchor + timedelta(days=days)
    months = cycle
    while last_paid_day(anchor, months) < today:
        months += cycle
    assert months_under_way(anchor, cycle, today) == months


@pytest.mark.parametrize(
    ("as_of", "judged"),
    [
        (None, "2024-03-15T20:00"),
        (date(2024, 3, 15), "2024-03-15T20:00"),
        (date(2024, 3, 16), "2024-03-15T20:00"),  # It began at 15:00Z in Tokyo.
        (date(2024, 5, 1), "2024-04-30T15:00"),
    ],
)
def test_rows_are_judged_as_of_the_first_instant_of_a_day_that_has_not_begun(
    as_of: date | None, judged: str
) -> None:
    assert judged_at(at("2024-03-15T20:00"), as_of, "Asia/Tokyo") == at(judged)
