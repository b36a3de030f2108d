"""Rule 1.3 for customers of another system: which cycle is under way on the day of the import."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calendar import add_months, last_paid_day
from core.domain.imported_subscription import (
    Takeover,
    TakeoverState,
    anchor_by_tenure,
    judged_at,
    months_under_way,
    schedule_until,
    taken_over,
)
from core.domain.planner.next_step import next_step
from core.domain.policy import DEFAULT
from core.domain.subscription import Failure, Period, Status, Subscription
from tests.domain.made import at, day

TODAY = date(2023, 4, 10)
NOW = at("2023-04-10T03:00")


def known(**facts: Any) -> Takeover:
    """What another system knows. Days are written as text."""
    days = {"anchor", "paid_until"}
    facts = {name: day(fact) if name in days else fact for name, fact in facts.items()}
    base = {"id": "s1", "account": "acme", "sku": "PRO-M", "quantity": 2, "legacy": False}
    return Takeover(**{**base, "months": 1, "auto_renew": True, **facts})


def taken(anchor: date, months: int = 1, today: date = TODAY) -> tuple[Subscription, Period]:
    takeover = replace(
        known(months=months, legacy=True, auto_renew=False), anchor=anchor, paid_until=None
    )
    return taken_over(takeover, today, NOW, DEFAULT, 3)


def today_is(now: str, **facts: Any) -> tuple[Subscription, Period]:
    return taken_over(known(**facts), day(now), at(f"{now}T12:00"), DEFAULT, 1)


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


@pytest.mark.parametrize(
    ("paid_until", "anchor", "anchor_day", "schedule"),
    [
        # 2024-01-31 + 12 months − 1 day.
        ("2025-01-30", "2024-01-31", None, ("2024-01-31", 12)),
        ("2024-02-28", "2024-01-31", None, ("2024-01-31", 1)),
        # The anchor's cycles end on the 22nd. So the day after E is the anchor.
        ("2024-06-16", "2024-02-23", None, ("2024-06-17", 0)),
        ("2024-06-16", None, None, ("2024-06-17", 0)),
        ("2024-06-16", "2024-06-17", None, ("2024-06-17", 0)),
        # On the 31st, clamped: 2024-01-31 + 1 month − 1 day.
        ("2024-02-28", None, 31, ("2024-01-31", 1)),
        # April has no 31st: 2024-03-31 + 2 months − 1 day.
        ("2024-05-30", None, 31, ("2024-03-31", 2)),
        ("2024-05-30", None, 15, ("2024-05-31", 0)),
    ],
)
def test_rule_1_3_the_last_paid_day_decides(
    paid_until: str, anchor: str | None, anchor_day: int | None, schedule: tuple[str, int]
) -> None:
    began = None if anchor is None else day(anchor)
    found = schedule_until(day(paid_until), began, anchor_day)
    assert (str(found[0]), found[1]) == schedule
    assert last_paid_day(*found) == day(paid_until)


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.none() | st.integers(1, 31),
)
def test_rule_1_3_every_last_paid_day_can_be_kept(
    paid_until: date, anchor: date | None, anchor_day: int | None
) -> None:
    assert last_paid_day(*schedule_until(paid_until, anchor, anchor_day)) == paid_until


def test_rule_5_1_what_is_paid_ahead_is_one_period_and_is_never_charged_early() -> None:
    """Paid for seven months ahead. The period that is under way began on 05-31."""
    subscription, period = today_is("2024-06-03", anchor="2024-01-31", paid_until="2025-01-30")
    assert (subscription.months_paid, str(subscription.expiry)) == (12, "2025-01-30")
    assert (str(period.start), period.months) == ("2024-05-31", 8)
    step = next_step(subscription, DEFAULT, "UTC")
    assert step is not None
    assert (step.kind, str(step.due.date())) == ("renew", "2025-01-23")


def test_what_was_cancelled_runs_until_its_end() -> None:
    facts = {"state": TakeoverState.UNSUBSCRIBED, "paid_until": "2024-08-18"}
    subscription, _ = today_is("2024-06-03", **facts)
    assert (subscription.status, subscription.auto_renew) == (Status.ACTIVE, False)
    expired, _ = today_is("2024-08-19", **facts)
    assert (expired.status, str(expired.expired_on)) == (Status.EXPIRED, "2024-08-19")
    ended, _ = today_is("2024-09-16", **facts)  # 08-18 + 29 days
    assert (ended.status, str(ended.terminated_on)) == (Status.TERMINATED, "2024-09-16")
    assert today_is("2024-09-15", **facts)[0].status is Status.EXPIRED


@pytest.mark.parametrize(
    ("today", "status", "expired_on"),
    [
        ("2024-06-16", Status.ACTIVE, "None"),
        ("2024-06-17", Status.ACTIVE, "None"),  # paid to yesterday: renewed late
        ("2024-06-23", Status.ACTIVE, "None"),  # E + 7
        ("2024-06-24", Status.EXPIRED, "2024-06-24"),
    ],
)
def test_rule_13_what_ran_out_is_renewed_late_or_expires_today(
    today: str, status: Status, expired_on: str
) -> None:
    subscription, _ = today_is(today, paid_until="2024-06-16")
    assert (subscription.status, str(subscription.expired_on)) == (status, expired_on)


def test_rule_13_what_ran_out_is_due_on_the_day_of_the_import_and_not_before() -> None:
    subscription, _ = today_is("2024-06-20", paid_until="2024-06-16")
    step = next_step(subscription, DEFAULT, "UTC")
    assert step is not None
    assert (step.kind, step.due) == ("renew", at("2024-06-20T12:00"))


def test_rule_5_4_a_failed_renewal_has_its_retries_ahead() -> None:
    facts = {"state": TakeoverState.PAST_DUE, "paid_until": "2024-06-16"}
    subscription, _ = today_is("2024-06-10", **facts)
    assert (subscription.renewal_failed, subscription.failure) == (True, Failure.NO_CREDITS)
    step = next_step(subscription, DEFAULT, "UTC")
    assert step is not None
    assert (step.kind, str(step.due.date())) == ("retry", "2024-06-11")
    assert not today_is("2024-06-01", **facts)[0].renewal_failed
    assert today_is("2024-06-17", **facts)[0].status is Status.EXPIRED
    assert not today_is("2024-06-10", auto_renew=False, **facts)[0].renewal_failed


def test_what_has_ended_elsewhere_has_ended_here() -> None:
    facts = {"state": TakeoverState.TERMINATED, "paid_until": "2024-06-16"}
    assert str(today_is("2024-06-10", **facts)[0].terminated_on) == "2024-06-10"
    ended, _ = today_is("2024-07-10", **facts)
    assert (ended.status, str(ended.terminated_on)) == (Status.TERMINATED, "2024-06-17")


def test_rule_4_3_a_trial_runs_until_its_last_day() -> None:
    trial, period = today_is(
        "2024-06-10", state=TakeoverState.TRIAL, anchor="2024-06-01", paid_until="2024-06-14"
    )
    assert (trial.trial, trial.months_paid, str(trial.expiry)) == (True, 0, "2024-06-14")
    assert (str(period.start), period.months) == ("2024-06-01", 0)
    step = next_step(trial, DEFAULT, "UTC")
    assert step is not None
    assert (step.kind, str(step.due.date())) == ("expire", "2024-06-15")
    unknown, _ = today_is("2024-06-10", state=TakeoverState.TRIAL, paid_until="2024-06-14")
    assert str(unknown.anchor) == "2024-06-10"


def test_rule_3_6_a_discount_goes_on_for_further_cycles() -> None:
    facts = {"anchor": "2024-01-31", "paid_until": "2024-06-29"}
    given = {"discount": Decimal(20), "discount_cycles": 2}
    subscription, _ = today_is("2024-06-10", **facts, **given)
    assert (subscription.cycles_paid, subscription.discount_cycles) == (5, 7)
    assert subscription.next_discount == 20
    trial, _ = today_is("2024-06-10", state=TakeoverState.TRIAL, **facts, **given)
    assert (trial.discount, trial.discount_cycles) == (20, 2)


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"state": TakeoverState.PAST_DUE}, "it is past_due, so the last paid day is needed"),
        ({"state": TakeoverState.EXPIRED}, "it is expired, so the last paid day is needed"),
        ({"state": TakeoverState.TRIAL}, "it is a trial, so its last day is needed"),
        (
            {"state": TakeoverState.TRIAL, "paid_until": "2024-06-14", "addons": {"SEAT": 1}},
            "a trial has no add-ons and no numbers",
        ),
        ({}, "neither its anchor nor its last paid day is known"),
        (
            {"state": TakeoverState.EXPIRED, "paid_until": "2024-06-10"},
            "it is expired, but paid until 2024-06-10, which is not past",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(facts: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        today_is("2024-06-10", **facts)
