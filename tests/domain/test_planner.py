"""Rules 1.5, 5.4, 5.7, 12, 13: what is due next, when, and whether a notice is true.

11-16 ... 12-01      12-08      12-10 12-12 12-14   12-15   12-16      2021-01-12     01-13
bought    notice     renew      retries             E       expire     day 28         end
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import lifecycle, reactivation
from core.domain.calendar import first_instant, local_date
from core.domain.planner import outage
from core.domain.planner.next_step import next_step
from core.domain.planner.notices import Notice, PlannedNotice, planned_notices, untrue
from core.domain.planner.schedule import schedule
from core.domain.policy import DEFAULT, Policy
from core.domain.steps import RENEWALS, Step, StepKind
from core.domain.subscription import Failure, Status, Subscription
from tests.domain.made import ZONE, at, day, expired, failed, subscription

BOUGHT = subscription()  # 2020-11-16..2020-12-15


def first(text: str) -> datetime:
    return first_instant(day(text), ZONE)


def next_of(subscription: Subscription, policy: Policy = DEFAULT) -> tuple[str, date, str]:
    """The kind of the next step, the date at whose first instant it is due, and its rule."""
    step = next_step(subscription, policy, ZONE)
    assert step is not None
    assert step.due == first_instant(local_date(step.due, ZONE), ZONE)
    return str(step.kind), local_date(step.due, ZONE), step.rule


def why(subscription: Subscription, policy: Policy = DEFAULT) -> str:
    step = next_step(subscription, policy, ZONE)
    assert step is not None
    return step.why


# --- 1.5: the timeline, row by row ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind", "on", "rule"),
    [
        (BOUGHT, "renew", "12-08", "5.1"),  # E − 7
        (failed(BOUGHT, first("12-08")), "retry", "12-10", "5.4"),  # E − 5
        (failed(BOUGHT, first("12-10")), "retry", "12-12", "5.4"),  # E − 3
        (failed(BOUGHT, first("12-12")), "retry", "12-14", "5.4"),  # E − 1
        (failed(BOUGHT, first("12-14")), "expire", "12-16", "1.5"),  # E + 1
        (replace(BOUGHT, auto_renew=False), "expire", "12-16", "1.5"),
        (
            failed(replace(BOUGHT, auto_renew=False), first("12-08")),
            "expire",
            "12-16",
            "1.5",
        ),  # 8.1: no longer retried
        (expired(day("12-16")), "end", "2021-01-13", "1.5"),  # E + 29
    ],
)
def test_rule_1_5_each_row_of_the_timeline(
    state: Subscription, kind: str, on: str, rule: str
) -> None:
    assert next_of(state) == (kind, day(on), rule)


def test_rule_2_a_terminated_one_has_no_next_step() -> None:
    assert next_step(replace(BOUGHT, status=Status.TERMINATED), DEFAULT, ZONE) is None


def test_rule_1_4_a_step_is_due_at_the_first_instant_of_its_local_date() -> None:
    step = next_step(subscription(anchor=date(2024, 2, 18)), DEFAULT, "America/Havana")
    assert step is not None
    assert step.due == at("2024-03-10T05:00")  # E 2024-03-17; that day begins at 01:00


def test_rule_1_5_a_legacy_subscription_renews_8_days_before_e_and_retries_from_there() -> None:
    legacy = replace(BOUGHT, legacy=True)
    assert next_of(legacy) == ("renew", day("12-07"), "5.1")
    assert [
        next_of(failed(legacy, first(on)))[:2] for on in ("12-07", "12-09", "12-11", "12-13")
    ] == [
        ("retry", day("12-09")),
        ("retry", day("12-11")),
        ("retry", day("12-13")),
        ("expire", day("12-16")),
    ]


def test_rule_14_the_timeline_is_the_policys() -> None:
    policy = Policy(renewal_lead_days=10, retry_days=(1, 10), reactivation_days=3)
    assert next_of(BOUGHT, policy) == ("renew", day("12-05"), "5.1")
    assert next_of(failed(BOUGHT, first("12-05")), policy)[:2] == ("retry", day("12-06"))
    assert next_of(failed(BOUGHT, first("12-06")), policy)[:2] == (
        "retry",
        day("12-15"),
    )  # E itself
    assert next_of(failed(BOUGHT, first("12-15")), policy)[:2] == ("expire", day("12-16"))
    assert next_of(expired(day("12-16")), policy)[:2] == ("end", day("12-19"))
    assert next_of(failed(BOUGHT, first("12-08")), Policy(retry_days=()))[:2] == (
        "expire",
        day("12-16"),
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (BOUGHT, "2020-12-08 is the renewal date of the cycle that ends on 2020-12-15"),
        (failed(BOUGHT, first("12-08")), "retry 1 of 3, 2 days after the renewal date 2020-12-08"),
        (
            failed(BOUGHT, first("12-14")),
            "the renewal failed and no retry is left; 2020-12-15 is the last day",
        ),
        (replace(BOUGHT, auto_renew=False), "auto-renewal is off; 2020-12-15 is the last day"),
        (
            replace(BOUGHT, attempted_at=first("12-17")),
            "no attempt to renew is left; 2020-12-15 is the last day",
        ),
        (
            replace(BOUGHT, trial=True),
            "the trial ends and was not converted; 2020-12-15 is the last day",
        ),
        (expired(day("12-16")), "expired and not reactivated by 2021-01-12"),
        (
            replace(BOUGHT, planned_at=first("12-09")),
            "the renewal date 2020-12-08 is past, the expiry date 2020-12-15 is not",
        ),
    ],
)
def test_a_step_says_why(state: Subscription, words: str) -> None:
    assert why(state) == words


def test_rule_5_4_a_retry_that_comes_one_day_later_says_so() -> None:
    state, policy = failed(BOUGHT, first("12-08")), Policy(retry_days=(1, 3))
    assert why(state, policy) == "retry 1 of 2, 1 day after the renewal date 2020-12-08"


# --- 5.4: retries ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempted", "kind", "on"),
    [
        ("2020-12-08T03:00", "retry", "12-10"),
        ("2020-12-09T15:59:59", "retry", "12-10"),  # a second before 12-10 begins in Singapore
        ("2020-12-09T16:00", "retry", "12-12"),
        ("2020-12-13T12:00", "retry", "12-14"),
        ("2020-12-13T16:00", "expire", "12-16"),
    ],
)
def test_rule_5_4_the_retries_are_those_later_than_the_failed_attempt(
    attempted: str, kind: str, on: str
) -> None:
    assert next_of(failed(BOUGHT, at(attempted)))[:2] == (kind, day(on))


# --- 5.7: at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("planned", ["2020-12-07T16:00", "2020-12-10T03:00", "2020-12-15T15:59:59"])
def test_rule_5_7_with_the_renewal_date_past_and_today_up_to_e_it_is_attempted_at_once(
    planned: str,
) -> None:
    for state in (BOUGHT, replace(BOUGHT, renewal_failed=True)):  # also when it had failed before
        step = next_step(replace(state, planned_at=at(planned)), DEFAULT, ZONE)
        assert step is not None
        assert (step.kind, step.due, step.rule) == (StepKind.ATTEMPT, at(planned), "5.7")


def test_rule_5_7_a_second_before_the_renewal_date_it_waits_for_it() -> None:
    assert next_of(replace(BOUGHT, planned_at=at("2020-12-07T15:59:59"))) == (
        "renew",
        day("12-08"),
        "5.1",
    )


def test_rule_5_7_after_a_failed_attempt_come_the_retry_days_still_ahead() -> None:
    late = replace(BOUGHT, planned_at=at("2020-12-10T03:00"))
    assert next_of(lifecycle.fail(late, at("2020-12-10T03:00"), Failure.NO_CREDITS))[:2] == (
        "retry",
        day("12-12"),
    )


def test_rule_5_7_resubscribing_plans_an_attempt_at_once() -> None:
    off = lifecycle.unsubscribe(failed(BOUGHT, first("12-08")))
    assert next_of(off)[0] == "expire"
    step = next_step(lifecycle.resubscribe(off, at("2020-12-11T03:00")), DEFAULT, ZONE)
    assert step is not None
    assert (step.kind, step.due) == (StepKind.ATTEMPT, at("2020-12-11T03:00"))
    assert next_of(replace(off, planned_at=at("2020-12-11T03:00")))[0] == "expire"


def test_rule_5_7_a_reactivated_one_is_attempted_at_once_when_its_new_renewal_date_is_past() -> (
    None
):
    # E 12-15 → reactivated 2021-01-09 until 01-15, to be renewed on 01-08
    active, _ = reactivation.reactivate(
        expired(day("12-16")), day("2021-01-09"), at("2021-01-09T03:00"), 1
    )
    step = next_step(active, DEFAULT, ZONE)
    assert step is not None
    assert (step.kind, step.due) == (StepKind.ATTEMPT, at("2021-01-09T03:00"))


# --- 13: late -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "state", "suspended", "allowed"),
    [
        ("12-08", BOUGHT, False, True),
        ("12-15", BOUGHT, False, True),  # E
        ("12-16", BOUGHT, False, True),  # a first attempt, late
        ("12-22", BOUGHT, False, True),  # E + 7, that day included
        ("12-23", BOUGHT, False, False),
        ("12-16", replace(BOUGHT, renewal_failed=True), False, False),  # had failed before
        ("12-16", BOUGHT, True, False),  # suspended
        (
            "12-15",
            replace(BOUGHT, renewal_failed=True),
            True,
            True,
        ),  # up to E the attempt is made, and fails (5.6)
    ],
)
def test_rule_13_after_e_only_a_first_attempt_is_made_up_to_late_renewal_days(
    now: str, state: Subscription, suspended: bool, allowed: bool
) -> None:
    moment = first(now) + timedelta(hours=23, minutes=59)
    assert outage.may_attempt(state, DEFAULT, ZONE, moment, suspended=suspended) is allowed


def test_rule_13_an_attempt_is_late_from_the_day_after_e() -> None:
    assert not outage.is_late(BOUGHT, ZONE, at("2020-12-15T15:59:59"))
    assert outage.is_late(BOUGHT, ZONE, at("2020-12-15T16:00"))


def test_rule_13_after_a_missed_attempt_the_days_count_from_the_day_it_expired() -> None:
    assert next_of(outage.miss(BOUGHT, at("2020-12-25T03:00")))[:2] == ("expire", day("12-16"))
    assert next_of(expired(day("12-25")))[:2] == ("end", day("2021-01-22"))


def test_rule_5_7_a_late_renewal_is_followed_at_once_by_the_next_one_if_that_is_due() -> None:
    policy = Policy(renewal_lead_days=27)
    renewed, _ = lifecycle.renew(
        BOUGHT, at("2020-12-20T03:00"), 1
    )  # until 2021-01-15, renewal date 12-19
    step = next_step(renewed, policy, ZONE)
    assert step is not None
    assert (step.kind, step.due) == (StepKind.ATTEMPT, at("2020-12-20T03:00"))


# --- 1.5, 12: notices -----------------------------------------------------------------------------


def planned(
    subscription: Subscription, now: str, policy: Policy = DEFAULT
) -> list[tuple[str, date]]:
    return [
        (str(n.kind), local_date(n.due, ZONE))
        for n in planned_notices(subscription, policy, ZONE, at(now))
    ]


@pytest.mark.parametrize(
    ("state", "policy", "days"),
    [
        (BOUGHT, DEFAULT, ["12-01", "12-12"]),  # E − 14, E − 3
        (replace(BOUGHT, legacy=True), DEFAULT, ["11-30", "12-12"]),
        (
            BOUGHT,
            Policy(
                renewal_lead_days=10, retry_days=(), renewal_notice_days=2, expiring_notice_days=1
            ),
            ["12-03", "12-14"],
        ),
    ],
)
def test_rule_1_5_the_notices_of_an_expiry_date(
    state: Subscription, policy: Policy, days: Sequence[str]
) -> None:
    assert planned(state, "2020-11-16T03:00", policy) == [
        ("notice_renewal", day(days[0])),
        ("notice_expiring", day(days[1])),
    ]


def test_rule_12_a_notice_whose_instant_lay_at_or_before_is_not_planned() -> None:
    assert planned(BOUGHT, "2020-11-30T15:59:59")[0] == ("notice_renewal", day("12-01"))
    assert planned(BOUGHT, "2020-11-30T16:00") == [("notice_expiring", day("12-12"))]
    assert planned(BOUGHT, "2020-12-11T16:00") == []


def test_rule_14_a_notice_of_more_days_than_the_calendar_has_is_never_due() -> None:
    assert (
        planned(
            BOUGHT,
            "2020-11-16T03:00",
            Policy(renewal_notice_days=1_000_000, expiring_notice_days=1_000_000),
        )
        == []
    )


def test_rule_12_only_an_active_one_is_told() -> None:
    assert planned(expired(day("12-16")), "2020-11-16T03:00") == []
    assert planned(replace(BOUGHT, status=Status.TERMINATED), "2020-11-16T03:00") == []


OFF = replace(BOUGHT, auto_renew=False)


@pytest.mark.parametrize(
    ("kind", "state", "now", "suspended", "reason"),
    [
        (Notice.RENEWAL, BOUGHT, "12-01", False, None),
        (Notice.RENEWAL, BOUGHT, "12-07", False, None),  # after an outage, still true
        (Notice.RENEWAL, BOUGHT, "12-08", False, "the renewal date has come"),
        (Notice.RENEWAL, OFF, "12-01", False, "auto-renewal is off"),
        (Notice.RENEWAL, BOUGHT, "12-01", True, "the account is suspended"),
        (
            Notice.RENEWAL,
            lifecycle.renew(BOUGHT, at("2020-11-20T00:00"), 1)[0],
            "12-01",
            False,
            "it is paid up to 2021-01-15",
        ),
        (Notice.RENEWAL, expired(day("12-16")), "12-01", False, "the subscription is EXPIRED"),
        (Notice.EXPIRING, OFF, "12-12", False, None),
        (Notice.EXPIRING, OFF, "12-12", True, None),
        (Notice.EXPIRING, OFF, "12-15", False, None),
        (Notice.EXPIRING, OFF, "12-16", False, "the expiry date is past"),
        (Notice.EXPIRING, BOUGHT, "12-12", False, "auto-renewal is on"),
        (
            Notice.EXPIRING,
            replace(OFF, status=Status.TERMINATED),
            "12-12",
            False,
            "the subscription is TERMINATED",
        ),
    ],
)
def test_rule_12_a_notice_is_sent_only_if_still_true_when_due(
    kind: Notice, state: Subscription, now: str, suspended: bool, reason: str | None
) -> None:
    assert (
        untrue(kind, BOUGHT.expiry, state, DEFAULT, ZONE, first(now), suspended=suspended) == reason
    )


# --- the schedule ---------------------------------------------------------------------------------


def coming(subscription: Subscription, most: int = 20) -> list[str]:
    steps = islice(schedule(subscription, DEFAULT, ZONE), most)
    return [f"{step.kind} {local_date(step.due, ZONE)}" for step in steps]


def test_the_schedule_renews_for_ever() -> None:
    assert coming(BOUGHT, 5) == [
        "notice_renewal 2020-12-01",
        "renew 2020-12-08",
        "notice_renewal 2021-01-01",
        "renew 2021-01-08",
        "notice_renewal 2021-02-01",
    ]


def test_the_schedule_of_an_unsubscribed_one_ends() -> None:
    assert coming(OFF) == [
        "notice_expiring 2020-12-12",
        "expire 2020-12-16",
        "end 2021-01-13",
    ]
    assert coming(expired(day("12-16"))) == ["end 2021-01-13"]
    assert coming(replace(BOUGHT, status=Status.TERMINATED)) == []


def test_the_schedule_of_a_failed_one_renews_at_its_retry_and_then_as_usual() -> None:
    assert coming(lifecycle.fail(BOUGHT, first("12-08"), Failure.NO_CREDITS), 3) == [
        "retry 2020-12-10",
        "notice_renewal 2021-01-01",
        "renew 2021-01-08",
    ]


def test_the_schedule_leaves_out_the_notices_up_to_now() -> None:
    steps = islice(schedule(BOUGHT, DEFAULT, ZONE, first("12-01")), 2)
    assert [str(step.kind) for step in steps] == ["renew", "notice_renewal"]


def test_the_schedule_ends_with_the_calendar() -> None:
    assert coming(subscription(months=12 * 5000)) == [
        "notice_renewal 7020-11-01",
        "renew 7020-11-08",
    ]


# --- any subscription -----------------------------------------------------------------------------

ZONES = ["Asia/Singapore", "America/Havana", "Pacific/Apia", "UTC", "America/New_York"]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    lead, legacy = draw(st.integers(1, 27)), draw(st.integers(1, 27))
    retries = sorted(draw(st.sets(st.integers(1, min(lead, legacy)))))
    return Policy(
        renewal_lead_days=lead,
        legacy_renewal_lead_days=legacy,
        retry_days=tuple(retries),
        renewal_notice_days=draw(st.integers(1, 20)),
        expiring_notice_days=draw(st.integers(1, 20)),
        reactivation_days=draw(st.integers(0, 60)),
    )


@st.composite
def states(draw: st.DrawFn, zone: str) -> Subscription:
    """Any state that commands can lead to: ACTIVE, perhaps attempted, EXPIRED or TERMINATED."""
    anchor, months = draw(st.dates(date(2011, 1, 1), date(2025, 12, 31))), draw(st.integers(1, 24))
    state = subscription(
        anchor=anchor, months=months, legacy=draw(st.booleans()), auto_renew=draw(st.booleans())
    )
    hours = st.integers(0, 86399).map(lambda seconds: timedelta(seconds=seconds))
    before = first_instant(state.expiry - timedelta(days=draw(st.integers(0, 40))), zone)
    state = replace(
        state,
        planned_at=min(
            before + draw(hours),
            first_instant(state.expiry + timedelta(days=1), zone) - timedelta(seconds=1),
        ),
    )
    if draw(st.booleans()):
        attempted = state.planned_at + draw(hours) * draw(st.integers(0, 40))
        state = replace(state, attempted_at=attempted, renewal_failed=draw(st.booleans()))
    match draw(st.sampled_from(Status)):
        case Status.EXPIRED:
            return lifecycle.expire(
                state, state.expiry + timedelta(days=draw(st.integers(1, 60))), "UTC"
            )
        case Status.TERMINATED:
            return lifecycle.terminate(
                state, state.expiry + timedelta(days=draw(st.integers(-20, 60)))
            )
        case Status.ACTIVE:
            return state


@given(st.sampled_from(ZONES), policies(), st.data())
def test_whatever_is_not_terminated_has_a_next_step_that_is_not_due_before_it_was_planned(
    zone: str, policy: Policy, data: st.DataObject
) -> None:
    state = data.draw(states(zone))
    step = next_step(state, policy, zone)
    if state.status is Status.TERMINATED:
        assert step is None
        return
    assert step is not None
    assert step.due >= state.planned_at
    if step.kind is StepKind.RETRY:
        assert state.attempted_at is not None
        assert step.due > state.attempted_at
    if step.kind in RENEWALS:
        assert state.auto_renew
        assert local_date(step.due, zone) <= state.expiry or first_instant(
            state.expiry, zone
        ) == first_instant(state.expiry + timedelta(days=1), zone)
    if step.kind is StepKind.END:
        assert state.expired_on is not None
        assert step.due >= first_instant(state.expired_on, zone)
    assert step.why
    assert step.rule


@given(
    st.sampled_from(ZONES),
    policies(),
    st.dates(date(2011, 1, 1), date(2025, 12, 31)),
    st.integers(1, 12),
    st.booleans(),
)
def test_rule_1_5_attempts_until_the_end_agree_with_a_walk_day_by_day(
    zone: str, policy: Policy, anchor: date, months: int, legacy: bool
) -> None:
    state = subscription(
        anchor=anchor, months=months, legacy=legacy, planned_at=datetime(2010, 1, 1, tzinfo=UTC)
    )
    seen = []
    while step := next_step(state, policy, zone):
        seen.append((step.kind, step.due))
        match step.kind:
            case StepKind.EXPIRE:
                state = lifecycle.expire(state, local_date(step.due, zone), zone)
            case StepKind.END:
                state = lifecycle.terminate(state, local_date(step.due, zone))
            case _:
                state = lifecycle.fail(state, step.due, Failure.NO_CREDITS)
    naive = []
    lead = policy.legacy_renewal_lead_days if legacy else policy.renewal_lead_days
    for offset in range(-27, 62 + policy.reactivation_days):
        on = state.expiry + timedelta(days=offset)
        due = first_instant(on, zone)
        if offset == -lead:
            naive.append((StepKind.RENEW, due))
        elif offset <= 0 and offset + lead in policy.retry_days and due > naive[-1][1]:
            naive.append((StepKind.RETRY, due))
        if offset == 1:
            naive.append((StepKind.EXPIRE, due))
            ended = local_date(due, zone)
            naive.append(
                (
                    StepKind.END,
                    first_instant(ended + timedelta(days=policy.reactivation_days), zone),
                )
            )
    assert seen == naive


@given(st.sampled_from(ZONES), policies(), st.data())
def test_the_schedule_never_goes_back_in_time(
    zone: str, policy: Policy, data: st.DataObject
) -> None:
    state = data.draw(states(zone))
    steps: list[Step | PlannedNotice] = list(islice(schedule(state, policy, zone), 12))
    dues = [step.due for step in steps]
    assert dues == sorted(dues)
