"""Rules 1.3, 5.1, 6.1, 6.2, 7, 8.1, 13: how a subscription changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import extension, lifecycle, reactivation
from core.domain.calendar import last_paid_day
from core.domain.planner import outage
from core.domain.refusal import Refused
from core.domain.subscription import Contract, Failure, Period, Status, Subscription
from tests.domain.made import START, at, day, expired, failed, subscription

NOW = at("2020-12-08T00:00")


def bought(
    today: date = START, base: int = 1, multiplier: int = 1, discount: str = "0"
) -> Subscription:
    return lifecycle.bought(
        id_="s1",
        account="acme",
        sku="PRO-M",
        quantity=2,
        multiplier=multiplier,
        addons={"SEAT": 1},
        numbers={"+1": "DID"},
        legacy=True,
        align=True,
        discount=Decimal(discount),
        discount_cycles=3,
        contract=Contract.AS_INCURRED,
        base_months=base,
        today=today,
        now=NOW,
        policy_version=3,
    )


# --- 1.3: periods from the anchor -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("anchor", "months", "periods"),
    [
        ("2020-11-16", 1, ["2020-11-16..2020-12-15", "2020-12-16..2021-01-15"]),
        (
            "2023-01-31",
            1,
            [
                "2023-01-31..2023-02-27",
                "2023-02-28..2023-03-30",
                "2023-03-31..2023-04-29",
                "2023-04-30..2023-05-30",
            ],
        ),
        ("2024-01-31", 1, ["2024-01-31..2024-02-28", "2024-02-29..2024-03-30"]),
        (
            "2024-02-29",
            12,
            [
                "2024-02-29..2025-02-27",
                "2025-02-28..2026-02-27",
                "2026-02-28..2027-02-27",
                "2027-02-28..2028-02-28",
            ],
        ),
        (
            "2024-08-31",
            6,
            ["2024-08-31..2025-02-27", "2025-02-28..2025-08-30", "2025-08-31..2026-02-27"],
        ),
    ],
)
def test_rule_1_3_each_row_of_the_table_of_periods(
    anchor: str, months: int, periods: list[str]
) -> None:
    active = bought(day(anchor), months)
    seen = [lifecycle.start(active)]
    while len(seen) < len(periods):
        active, period = lifecycle.renew(active, NOW, 1)
        seen.append(period)
    assert [f"{p.start}..{p.expiry}" for p in seen] == periods
    assert {p.months for p in seen} == {months}
    assert all(p.scheduled_start == p.start for p in seen)


def test_rule_1_3_a_cycle_of_two_months_from_the_second_on_counts_from_the_same_anchor() -> None:
    active = replace(bought(date(2023, 1, 31)), cycle_months=2)
    active, second = lifecycle.renew(active, NOW, 1)
    active, third = lifecycle.renew(active, NOW, 1)
    assert [(str(p.start), str(p.expiry)) for p in (second, third)] == [
        ("2023-02-28", "2023-04-29"),
        ("2023-04-30", "2023-06-29"),
    ]


def test_rule_3_3_a_purchase_is_anchored_today_and_has_paid_one_whole_cycle() -> None:
    """Two months from 2020-11-16: the last paid day is 2021-01-15."""
    active = bought(multiplier=2)
    assert active == Subscription(
        id="s1",
        account="acme",
        sku="PRO-M",
        quantity=2,
        multiplier=2,
        addons={"SEAT": 1},
        numbers={"+1": "DID"},
        legacy=True,
        align=True,
        contract=Contract.AS_INCURRED,
        anchor=START,
        months_paid=2,
        cycle_months=2,
        expiry=day("2021-01-15"),
        cycles_paid=1,
        planned_at=NOW,
        policy_version=3,
    )
    assert lifecycle.start(active) == Period(
        start=START, expiry=day("2021-01-15"), months=2, scheduled_start=START
    )


def test_rule_3_6_the_first_period_is_the_first_of_the_cycles_that_are_discounted() -> None:
    active = bought(discount="25")
    assert (active.discount, active.discount_cycles) == (25, 3)
    discounts = [lifecycle.start(active).discount]
    for _ in range(3):
        active, period = lifecycle.renew(active, NOW, 1)
        discounts.append(period.discount)
    assert discounts == [25, 25, 25, 0]


def test_rule_3_1_a_cycle_that_ends_beyond_the_calendar_is_refused() -> None:
    assert bought(base=12, multiplier=6980).expiry == date(9000, 11, 15)
    for multiplier in (6981, 10**12):
        with pytest.raises(Refused, match=r"rule 3\.1"):
            bought(base=12, multiplier=multiplier)


# --- 5.1, 5.4: renew and fail ---------------------------------------------------------------------


def test_rule_5_1_a_renewal_begins_the_day_after_e_and_clears_what_had_failed() -> None:
    before = replace(failed(subscription(), NOW), failure=Failure.NO_CREDITS)
    renewed, period = lifecycle.renew(before, at("2020-12-10T00:00"), 2)
    assert period == Period(
        start=day("12-16"), expiry=day("2021-01-15"), months=1, scheduled_start=day("12-16")
    )
    assert (renewed.renewal_failed, renewed.failure, renewed.attempted_at) == (False, None, None)
    assert (renewed.expiry, renewed.months_paid, renewed.cycles_paid) == (day("2021-01-15"), 2, 2)
    assert (renewed.planned_at, renewed.policy_version, renewed.version) == (
        at("2020-12-10T00:00"),
        2,
        before.version + 1,
    )


def test_rule_5_4_a_failure_is_noted_with_its_reason_and_instant_and_moves_nothing() -> None:
    before = subscription()
    after = lifecycle.fail(before, NOW, Failure.CARD_DECLINED)
    assert (after.renewal_failed, after.failure, after.attempted_at) == (
        True,
        Failure.CARD_DECLINED,
        NOW,
    )
    assert (after.expiry, after.version) == (before.expiry, before.version + 1)


def test_rule_13_a_missed_attempt_is_noted_without_a_failure() -> None:
    after = outage.miss(subscription(), NOW)
    assert (after.attempted_at, after.renewal_failed, after.version) == (NOW, False, 2)


# --- 6.2: extend ----------------------------------------------------------------------------------


def test_rule_6_2_extending_by_cycles_makes_a_period_each() -> None:
    before = failed(subscription(), NOW)
    extended, periods = extension.extend(before, 3, NOW, 2)
    assert [(str(p.start), str(p.expiry)) for p in periods] == [
        ("2020-12-16", "2021-01-15"),
        ("2021-01-16", "2021-02-15"),
        ("2021-02-16", "2021-03-15"),
    ]
    assert (extended.expiry, extended.cycles_paid, extended.version) == (
        day("2021-03-15"),
        4,
        before.version + 1,
    )
    assert not extended.renewal_failed


def test_rule_6_2_extending_to_a_day_makes_the_day_after_it_the_anchor() -> None:
    before = failed(subscription(), NOW)
    extended, period = extension.extend_to(before, day("2021-01-31"), NOW, 2)
    # one whole month and 16 days: counted as two months by a refund
    assert period == Period(
        start=day("12-16"),
        expiry=day("2021-01-31"),
        months=2,
        scheduled_start=day("12-16"),
        left_over=16,
        left_over_of=31,
    )
    assert (extended.anchor, extended.months_paid, extended.expiry) == (
        day("2021-02-01"),
        0,
        day("2021-01-31"),
    )
    assert (extended.cycles_paid, extended.renewal_failed, extended.version) == (
        2,
        False,
        before.version + 1,
    )
    renewed, following = lifecycle.renew(extended, NOW, 2)
    assert (following.start, following.expiry) == (day("2021-02-01"), day("2021-02-28"))
    assert renewed.anchor == day("2021-02-01")


def test_rule_6_2_extending_to_the_end_of_a_month_leaves_no_days_over() -> None:
    _, period = extension.extend_to(subscription(), day("2021-02-15"), NOW, 1)
    assert period.months == 2


def test_rule_6_2_the_earliest_day_is_the_last_of_the_next_whole_month_also_in_a_yearly_cycle() -> (
    None
):
    assert extension.earliest_extension(subscription()) == day("2021-01-15")
    assert extension.earliest_extension(subscription(months=12, sku="PRO-Y")) == day("2021-12-15")
    extension.extend_to(subscription(), day("2021-01-15"), NOW, 1)
    with pytest.raises(Refused, match="before the last day of the next whole month, 2021-01-15"):
        extension.extend_to(subscription(), day("2021-01-14"), NOW, 1)


@pytest.mark.parametrize(
    "extend",
    [
        lambda s: extension.extend_to(s, date(9001, 1, 1), NOW, 1),
        lambda s: extension.extend(s, 10**12, NOW, 1),
    ],
)
def test_rule_6_2_an_extension_beyond_the_calendar_is_refused(
    extend: Callable[[Subscription], object],
) -> None:
    with pytest.raises(Refused, match=r"rule 6\.2"):
        extend(subscription())


def test_rule_6_2_an_extension_ends_within_the_year_9000_at_the_latest() -> None:
    """Paid up to 2020-12-15: 6,980 years more end on 9000-12-15, and 6,981 years are too many."""
    longest, _ = extension.extend(subscription(cycle=12 * 6980), 1, NOW, 1)
    assert longest.expiry == date(9000, 12, 15)
    for cycles, words, years in ((1, "1 cycle", 6981), (3, "3 cycles", 2327)):
        with pytest.raises(Refused, match=f"by {words}: it would end after the year 9000"):
            extension.extend(subscription(cycle=12 * years), cycles, NOW, 1)
    last = date(9000, 12, 31)
    extended, _ = extension.extend_to(subscription(anchor=date(9000, 11, 1)), last, NOW, 1)
    assert extended.expiry == last


def test_rule_3_6_an_extension_to_a_day_is_one_cycle_of_those_that_are_discounted() -> None:
    """Two cycles are discounted, one is paid. The extension has the second discount."""
    before = subscription(discount=Decimal(25), discount_cycles=2)
    extended, period = extension.extend_to(before, day("2021-01-31"), NOW, 1)
    assert (period.discount, extended.next_discount) == (25, 0)


# --- 7: reactivate --------------------------------------------------------------------------------


def test_rule_7_reactivating_keeps_the_old_schedule() -> None:
    before = expired(
        day("2021-02-07"),
        anchor=day("2021-01-07"),
        renewal_failed=False,
        failure=Failure.NO_CREDITS,
    )
    assert before.expiry == day("2021-02-06")
    active, period = reactivation.reactivate(before, day("2021-02-23"), NOW, 2)
    # expired 02-06, reactivated 02-23: expiry 03-06; the lost days are not given back
    assert (active.status, active.expiry, active.expired_on, active.failure) == (
        Status.ACTIVE,
        day("2021-03-06"),
        None,
        None,
    )
    assert period == Period(
        start=day("2021-02-23"),
        expiry=day("2021-03-06"),
        months=1,
        scheduled_start=day("2021-02-07"),
    )
    assert (active.cycles_paid, active.auto_renew, active.version) == (2, True, before.version + 1)


@pytest.mark.parametrize(
    ("today", "expiry", "scheduled"),
    [
        ("01-15", "01-15", "2020-12-16"),
        ("01-16", "02-15", "2021-01-16"),
        ("04-01", "04-15", "2021-03-16"),
    ],
)
def test_rule_7_as_many_cycles_as_reach_today_for_one_fee(
    today: str, expiry: str, scheduled: str
) -> None:
    active, period = reactivation.reactivate(expired(day("12-16")), day(f"2021-{today}"), NOW, 1)
    assert (active.expiry, active.cycles_paid) == (day(f"2021-{expiry}"), 2)
    assert (period.start, period.scheduled_start, period.months) == (
        day(f"2021-{today}"),
        day(scheduled),
        1,
    )


def test_rule_7_one_that_came_in_as_expired_while_it_is_paid_gets_the_cycle_after() -> None:
    """An import onto a day to come may bring one in that is paid for some days more."""
    early = expired(day("2021-02-01"), anchor=day("2021-01-07"))
    active, period = reactivation.reactivate(early, day("2021-01-23"), NOW, 1)
    assert (active.expiry, active.cycles_paid) == (day("2021-03-06"), 2)
    assert (period.start, period.scheduled_start) == (day("2021-02-07"), day("2021-02-07"))


def test_rule_3_6_a_reactivated_cycle_is_one_of_those_that_are_discounted() -> None:
    """Two cycles are discounted, one is paid. The reactivated cycle has the second discount."""
    before = expired(day("12-16"), discount=Decimal(25), discount_cycles=2)
    active, period = reactivation.reactivate(before, day("12-20"), NOW, 1)
    assert (period.discount, active.next_discount) == (25, 0)


@pytest.mark.parametrize("auto_renew", [True, False])
def test_rule_7_auto_renewal_stays_as_it_was(auto_renew: bool) -> None:
    active, _ = reactivation.reactivate(
        expired(day("12-16"), auto_renew=auto_renew), day("12-20"), NOW, 1
    )
    assert active.auto_renew is auto_renew


# --- 1.5, 8.1, 8.2: ends, and auto-renewal --------------------------------------------------------


def test_rule_1_5_expiring_keeps_e_and_notes_day_1() -> None:
    before = replace(failed(subscription(), NOW), failure=Failure.NO_CREDITS)
    after = lifecycle.expire(before, day("12-16"), "UTC")
    assert (after.status, after.expired_on, after.expiry) == (
        Status.EXPIRED,
        day("12-16"),
        day("12-15"),
    )
    assert (after.renewal_failed, after.failure, after.version) == (False, Failure.NO_CREDITS, 2)


def test_rule_2_terminating_is_final_and_keeps_e() -> None:
    after = lifecycle.terminate(failed(subscription(), NOW), day("12-10"))
    assert (after.status, after.terminated_on, after.expiry) == (
        Status.TERMINATED,
        day("12-10"),
        day("12-15"),
    )
    assert (after.renewal_failed, after.version) == (False, 2)


def test_rule_8_1_unsubscribing_leaves_a_failed_renewal_failed_and_resubscribing_plans_anew() -> (
    None
):
    off = lifecycle.unsubscribe(failed(subscription(), NOW))
    assert (off.auto_renew, off.renewal_failed, off.attempted_at, off.version) == (
        False,
        True,
        NOW,
        2,
    )
    on = lifecycle.resubscribe(off, at("2020-12-11T09:00"))
    assert (on.auto_renew, on.renewal_failed, on.attempted_at, on.version) == (True, True, None, 3)
    assert (on.planned_at, on.expiry) == (at("2020-12-11T09:00"), day("12-15"))


# --- any sequence ---------------------------------------------------------------------------------

Transition = Callable[[Subscription, date], tuple[Subscription, list[Period]]]


def _plain(change: Callable[[Subscription, date], Subscription]) -> Transition:
    return lambda s, today: (change(s, today), [])


def _paid(change: Callable[[Subscription, date], tuple[Subscription, Period]]) -> Transition:
    def both(s: Subscription, today: date) -> tuple[Subscription, list[Period]]:
        changed, period = change(s, today)
        return changed, [period]

    return both


def instant(today: date) -> datetime:
    return datetime(today.year, today.month, today.day, tzinfo=UTC)


WHILE_ACTIVE: dict[str, Transition] = {
    "renew": _paid(lambda s, today: lifecycle.renew(s, instant(today), 1)),
    "extend": lambda s, today: extension.extend(s, 2, instant(today), 1),
    "extend to": _paid(
        lambda s, today: extension.extend_to(
            s, extension.earliest_extension(s) + timedelta(days=today.day), instant(today), 1
        )
    ),
    "fail": _plain(lambda s, today: lifecycle.fail(s, instant(today), Failure.NO_CREDITS)),
    "miss": _plain(lambda s, today: outage.miss(s, instant(today))),
    "unsubscribe": _plain(lambda s, _: lifecycle.unsubscribe(s)),
    "resubscribe": _plain(lambda s, today: lifecycle.resubscribe(s, instant(today))),
    "expire": _plain(lambda s, _: lifecycle.expire(s, s.expiry + timedelta(days=1), "UTC")),
}
days = st.dates(date(1999, 1, 1), date(2030, 12, 31))


@given(
    days,
    st.integers(1, 24),
    st.lists(
        st.tuples(st.sampled_from([*WHILE_ACTIVE, "reactivate"]), st.integers(0, 100)), max_size=12
    ),
)
def test_rule_1_3_after_any_sequence_e_is_counted_from_the_anchor_and_periods_follow_one_another(
    first: date, months: int, sequence: list[tuple[str, int]]
) -> None:
    now = bought(first, months)
    cycles = 1
    for name, later in sequence:
        if (name == "reactivate") is not (now.status is Status.EXPIRED):
            continue
        today = now.expiry + timedelta(days=1 + later)
        transition = (
            _paid(lambda s, on: reactivation.reactivate(s, on, instant(on), 1))
            if name == "reactivate"
            else WHILE_ACTIVE[name]
        )
        then, periods = transition(now, today)
        cycles += len(periods)
        assert then.version == now.version + 1
        assert then.expiry == last_paid_day(then.anchor, then.months_paid)
        assert then.cycles_paid == cycles
        end = now.expiry
        for period in periods:
            begins = today if name == "reactivate" else end + timedelta(days=1)
            assert period.start == begins
            assert end < period.scheduled_start <= period.start <= period.expiry
            end = period.expiry
        assert then.expiry == end
        now = then


@given(days, st.integers(1, 12), st.integers(1, 30))
def test_rule_1_3_renewing_covers_each_day_once_as_a_walk_day_by_day_does(
    first: date, months: int, cycles: int
) -> None:
    active, periods = extension.extend(bought(first, months), cycles, NOW, 1)
    starts = {p.start for p in periods} | {active.expiry + timedelta(days=1)}
    walked, month, found = first, 0, set()
    while len(found) < cycles + 1:
        walked += timedelta(days=1)
        following = walked + timedelta(days=1)
        # a month begins on the anchor's day, or on the last of a shorter month
        if walked.day == first.day or (walked.day < first.day and following.month != walked.month):
            month += 1
            if month % months == 0:
                found.add(walked)
    assert starts == found


def test_day_one_is_the_day_after_e_even_where_that_date_does_not_exist() -> None:
    # Apia has no 2011-12-30: the step of E + 1 = 12-30 is due with 12-31; day 29 stays E + 29
    before = replace(subscription(), expiry=date(2011, 12, 29))
    assert lifecycle.expire(before, date(2011, 12, 31), "Pacific/Apia").expired_on == date(
        2011, 12, 30
    )
    assert lifecycle.expire(before, date(2012, 1, 1), "Pacific/Apia").expired_on == date(2012, 1, 1)
