"""Rule 4.3: trials, their end, and the first paid cycle.

11-16 ........ 11-22 ........ 11-25 | 11-26 .................. 12-25
trial starts   told: ends     E     | expires, or the first cycle
"""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from core.domain import catalog as catalogs
from core.domain import lifecycle, trial
from core.domain.calendar import first_instant
from core.domain.explain import why_not_renewed
from core.domain.fees import period_lines, total
from core.domain.forecast import forecast
from core.domain.planner.next_step import next_step
from core.domain.planner.notices import Notice, planned_notices, untrue
from core.domain.planner.same_instant_order import place
from core.domain.planner.schedule import schedule
from core.domain.policy import DEFAULT, Policy, TrialEnd
from core.domain.price_in_force import next_fee_lines
from core.domain.refunds import PaidPeriod, period_refund
from core.domain.steps import Step, StepKind
from core.domain.subscription import Account, Failure, Status, Subscription
from core.domain.terms import Terms
from tests.domain.made import CATALOG, START, ZONE, account, at, day, expired, subscription, terms

STARTED_AT = first_instant(START, ZONE)
CONVERT = replace(DEFAULT, trial_end=TrialEnd.CONVERT)


def begun(days: int = 10, start: date = START, **more: Any) -> Subscription:
    """A trial of PRO-M from 2020-11-16. Its last day is 11-25 if it has 10 days."""
    started, _ = trial.start(
        id_="t1",
        account="acme",
        sku="PRO-M",
        base_months=1,
        days=days,
        today=start,
        now=first_instant(start, ZONE),
        policy_version=1,
    )
    return replace(started, **more)


TRIAL = begun()
OVER = lifecycle.expire(TRIAL, day("11-26"), ZONE)


def instant(text: str) -> datetime:
    return first_instant(day(text), ZONE)


# --- its days and its first paid cycle ------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "days", "expiry"),
    [
        ("2020-11-16", 10, "2020-11-25"),  # 16 + 10 − 1
        ("2020-11-16", 1, "2020-11-16"),
        ("2024-02-25", 10, "2024-03-05"),  # a leap year: 02-25 .. 02-29 are 5 days, 5 more follow
        ("2023-12-28", 7, "2024-01-03"),
    ],
)
def test_rule_4_3_e_is_the_start_plus_the_trial_days_minus_1(
    start: str, days: int, expiry: str
) -> None:
    state = begun(days, day(start))
    assert state.expiry == day(expiry)
    assert (state.trial, state.cycles_paid, state.months_paid) == (True, 0, 0)
    assert (state.anchor, state.cycle_months, state.status) == (day(start), 1, Status.ACTIVE)


def test_rule_4_3_its_days_are_a_period_of_no_months_for_which_nothing_is_charged() -> None:
    _, period = trial.start(
        id_="t1",
        account="acme",
        sku="PRO-M",
        base_months=1,
        days=10,
        today=START,
        now=STARTED_AT,
        policy_version=1,
    )
    assert (period.start, period.expiry, period.days) == (START, day("11-25"), 10)
    assert (period.months, period.price_months) == (0, (0, 1))
    assert total(period_lines(TRIAL, period, CATALOG, "USD", START)) == 0


@pytest.mark.parametrize(
    ("state", "today", "start", "expiry"),
    [
        (TRIAL, "11-16", "11-26", "12-25"),  # while it runs: the day after its last day
        (TRIAL, "11-25", "11-26", "12-25"),
        (OVER, "11-26", "11-26", "12-25"),  # day 1
        (OVER, "11-30", "11-30", "12-29"),  # day 5: from today on
        (OVER, "12-23", "12-23", "2021-01-22"),  # day 28
        (replace(OVER, cycle_months=12), "11-30", "11-30", "2021-11-29"),
        (begun(15, day("2024-01-17")), "2024-01-20", "2024-02-01", "2024-02-29"),
        (begun(14, day("2024-01-17")), "2024-01-20", "2024-01-31", "2024-02-28"),  # 02-29 − 1
    ],
)
def test_rule_4_3_the_first_paid_cycle_starts_after_the_trial_or_today_and_is_the_anchor(
    state: Subscription, today: str, start: str, expiry: str
) -> None:
    now = instant(today)
    converted, period = trial.convert(state, day(today), now, 2)
    assert (period.start, period.expiry) == (day(start), day(expiry))
    assert (period.months, period.scheduled_start) == (state.cycle_months, day(start))
    assert (converted.anchor, converted.months_paid) == (day(start), state.cycle_months)
    assert (converted.expiry, converted.cycles_paid) == (day(expiry), 1)
    assert (converted.status, converted.trial, converted.expired_on) == (Status.ACTIVE, False, None)
    assert (converted.planned_at, converted.policy_version) == (now, 2)
    assert converted.version == state.version + 1


def test_rule_1_3_periods_after_a_conversion_are_counted_from_its_anchor() -> None:
    """The trial ends on 01-30: 01-31..02-27, 02-28..03-30, as in the table of Rule 1.3."""
    converted, first = trial.convert(begun(14, day("2023-01-17")), day("2023-01-20"), STARTED_AT, 1)
    _, second = lifecycle.renew(converted, STARTED_AT, 1)
    assert [(p.start, p.expiry) for p in (first, second)] == [
        (day("2023-01-31"), day("2023-02-27")),
        (day("2023-02-28"), day("2023-03-30")),
    ]


@pytest.mark.parametrize("state", [TRIAL, OVER])
def test_its_fee_is_that_of_its_first_paid_cycle(state: Subscription) -> None:
    assert total(next_fee_lines(state, CATALOG, "USD", day("11-20"))) == Decimal("50.00")


@pytest.mark.parametrize("today", ["11-20", "11-25", "12-10"])
def test_rule_8_3_the_days_of_a_trial_are_never_refunded(today: str) -> None:
    free = PaidPeriod(1, "acme", START, day("11-25"), 0, Decimal(0), Decimal(0), refundable=True)
    for window in (0, 14, 40):
        assert period_refund(free, day(today), window, "USD") == 0


# --- one per account and application --------------------------------------------------------------


def test_rule_4_3_skus_of_one_application_have_one_trial_and_others_one_each() -> None:
    entries = [
        {"sku": sku, "kind": "application", "months": 1, "prices": {"USD": "1.00"}} | application
        for sku, application in [
            ("PRO", {"application": "phone"}),
            ("BIZ", {"application": "phone"}),
            ("phone", {}),
            ("FAX", {}),
        ]
    ]
    catalog = catalogs.load(entries)
    assert [catalog.trial_of(sku) for sku in ("PRO", "BIZ", "phone", "FAX")] == [
        "application phone",
        "application phone",
        "SKU phone",
        "SKU FAX",
    ]


# --- its end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "policy", "kind"),
    [
        (TRIAL, DEFAULT, StepKind.EXPIRE),
        (TRIAL, CONVERT, StepKind.CONVERT_TRIAL),
        (replace(TRIAL, auto_renew=False), CONVERT, StepKind.EXPIRE),
        (replace(TRIAL, auto_renew=False), DEFAULT, StepKind.EXPIRE),
    ],
)
def test_rule_4_3_at_e_plus_1_it_converts_by_policy_while_auto_renewal_is_on_else_it_expires(
    state: Subscription, policy: Policy, kind: StepKind
) -> None:
    step = next_step(state, policy, ZONE)
    assert step is not None
    assert (step.kind, step.due, step.rule) == (kind, instant("11-26"), "4.3")
    assert "2020-11-25 is the last day" in step.why


def test_rule_1_4_it_ends_at_the_first_instant_of_the_day_after_it() -> None:
    """In Havana 2024-03-10 begins at 01:00 local time, which is 05:00Z."""
    step = next_step(begun(10, day("2024-02-29")), DEFAULT, "America/Havana")
    assert step is not None
    assert step.due == at("2024-03-10T05:00")


def test_rule_1_7_a_conversion_comes_after_renewals_and_before_expiries() -> None:
    places = [
        place(Step(kind, STARTED_AT, step.rule, ""), state, CONVERT)
        for state in (TRIAL, subscription("a"))
        for step in [next_step(state, CONVERT, ZONE)]
        if step is not None
        for kind in (StepKind.RENEW, StepKind.CONVERT_TRIAL, StepKind.EXPIRE)
    ]
    assert [order for order, _, _ in places] == [1, 2, 3] * 2
    assert places[1] == (2, date.min, "t1")


@pytest.mark.parametrize(("policy", "last"), [(DEFAULT, "12-24"), (CONVERT, "12-24")])
def test_rule_4_3_on_day_29_after_it_an_unconverted_one_is_terminated(
    policy: Policy, last: str
) -> None:
    step = next_step(OVER, policy, ZONE)
    assert step is not None
    assert (step.kind, step.due) == (StepKind.END, instant(last))  # 11-26 + 28 days
    assert step.why == "expired and not converted by 2020-12-23"


def test_rule_5_7_switching_auto_renewal_of_a_trial_sets_off_no_attempt() -> None:
    off = lifecycle.unsubscribe(TRIAL)
    on = lifecycle.resubscribe(off, at("2020-11-25T03:00"))
    step = next_step(on, CONVERT, ZONE)
    assert step is not None
    assert step.kind is StepKind.CONVERT_TRIAL


@pytest.mark.parametrize(("now", "expired_on"), [("11-26", "11-26"), ("2021-01-05", "2021-01-05")])
def test_rule_13_a_conversion_that_cannot_be_funded_expires_on_the_day_it_is_made(
    now: str, expired_on: str
) -> None:
    after = trial.fail(TRIAL, Failure.SUSPENDED, ZONE, instant(now))
    assert (after.status, after.trial, after.expired_on) == (
        Status.EXPIRED,
        True,
        day(expired_on),
    )
    assert (after.failure, after.renewal_failed) == (Failure.SUSPENDED, False)
    assert (after.expiry, after.version) == (TRIAL.expiry, TRIAL.version + 1)


# --- its notice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "policy", "due"),
    [
        (10, DEFAULT, ["11-22"]),  # E 11-25 − 3
        (10, replace(DEFAULT, expiring_notice_days=5), ["11-20"]),
        (5, DEFAULT, ["11-17"]),
        (4, DEFAULT, []),  # E 11-19 − 3 is the instant at which it started
        (3, DEFAULT, []),
        (1, DEFAULT, []),
    ],
)
def test_rule_4_3_three_days_before_the_end_the_customer_is_told_and_nothing_else(
    days: int, policy: Policy, due: list[str]
) -> None:
    planned = planned_notices(begun(days), policy, ZONE, STARTED_AT)
    assert [(notice.kind, notice.due) for notice in planned] == [
        (Notice.TRIAL_ENDING, instant(text)) for text in due
    ]


def test_rule_12_after_the_conversion_the_notices_are_those_of_every_subscription() -> None:
    converted, _ = trial.convert(TRIAL, day("11-20"), instant("11-20"), 1)
    planned = planned_notices(converted, DEFAULT, ZONE, instant("11-20"))
    assert [(notice.kind, notice.due) for notice in planned] == [
        (Notice.RENEWAL, instant("12-11")),  # E 12-25 − 14
        (Notice.EXPIRING, instant("12-22")),
    ]


@pytest.mark.parametrize(
    ("state", "now", "suspended", "reason"),
    [
        (TRIAL, "11-22", False, None),
        (TRIAL, "11-22", True, None),
        (replace(TRIAL, auto_renew=False), "11-22", False, None),
        (TRIAL, "11-25", False, None),  # after an outage, still true
        (TRIAL, "11-26", False, "the expiry date is past"),
        (OVER, "11-26", False, "the subscription is EXPIRED"),
        (
            trial.convert(TRIAL, day("11-20"), instant("11-20"), 1)[0],
            "11-22",
            False,
            "it is paid up to 2020-12-25",
        ),
    ],
)
def test_rule_12_the_notice_is_sent_only_if_still_true(
    state: Subscription, now: str, suspended: bool, reason: str | None
) -> None:
    found = untrue(
        Notice.TRIAL_ENDING, day("11-25"), state, DEFAULT, ZONE, instant(now), suspended=suspended
    )
    assert found == reason


# --- what is to come, and why ---------------------------------------------------------------------


def coming(policy: Policy, state: Subscription = TRIAL) -> list[str]:
    return [f"{item.due:%m-%d} {item.kind}" for item in islice(schedule(state, policy, "UTC"), 5)]


def test_the_schedule_of_a_trial_that_expires_ends_with_day_29() -> None:
    assert coming(DEFAULT) == [
        "11-22 notice_trial_ending",
        "11-26 expire",
        "12-24 end",
    ]


def test_the_schedule_of_a_trial_that_converts_goes_on_with_its_renewals() -> None:
    assert coming(CONVERT) == [
        "11-22 notice_trial_ending",
        "11-26 convert_trial",
        "12-11 notice_renewal",
        "12-18 renew",
        "01-11 notice_renewal",
    ]


def told(
    wallet: Account,
    by: Terms,
    state: Subscription = TRIAL,
    now: str = "11-20",
    until: str = "2020-12-20",
    *,
    charges: bool = True,
) -> list[str]:
    entries = forecast(wallet, [state], by, instant(now), instant(until), card_charges=charges)
    parts = ([str(e.date)[5:], e.event, e.amount and f"{e.amount:+f}", e.reason] for e in entries)
    return [" ".join(str(part) for part in line if part is not None) for line in parts]


CARD = {"card": "tok", "renew_by_card": True}


def test_the_forecast_of_a_trial_that_expires() -> None:
    assert told(account("500.00"), terms(), until="2020-12-25") == [
        "11-22 notice_trial_ending",
        "11-26 expired",
        "12-24 terminated",
    ]


def test_rule_5_3_the_forecast_of_a_conversion_from_credits() -> None:
    assert told(account("100.00"), terms(CONVERT)) == [
        "11-22 notice_trial_ending",
        "11-26 converted -50.00",
        "12-11 notice_renewal",
        "12-18 renewed -50.00",
    ]


def test_rule_5_3_the_forecast_of_a_conversion_by_card() -> None:
    assert told(account("30.00", **CARD), terms(CONVERT), until="2020-11-30") == [
        "11-22 notice_trial_ending",
        "11-26 card_charged +50.00",
        "11-26 converted -50.00",
    ]


@pytest.mark.parametrize(
    ("wallet", "charges", "events"),
    [
        (account("49.99"), True, ["11-26 expired no_credits"]),
        (account("500.00", suspended=True), True, ["11-26 expired suspended"]),
        (
            account("0", **CARD),
            False,
            ["11-26 card_declined", "11-26 expired card_declined"],
        ),
    ],
)
def test_rule_4_3_the_forecast_of_a_conversion_that_cannot_be_funded(
    wallet: Account, charges: bool, events: list[str]
) -> None:
    by = terms(CONVERT)
    assert told(wallet, by, until="2020-12-20", charges=charges)[1:] == events


def test_rule_3_5_a_conversion_costs_the_price_of_the_day_it_is_done() -> None:
    """PRO-M costs 60.00 from 2021-03-01 on. The trial ended on 02-24. Nothing ran until then."""
    state = begun(10, day("2021-02-15"))
    by = terms(CONVERT)
    assert told(account("90.00"), by, state, now="2021-02-20", until="2021-02-26") == [
        "02-21 notice_trial_ending",
        "02-25 converted -50.00",
    ]
    assert told(account("90.00"), by, state, now="2021-03-03", until="2021-03-05") == [
        "03-03 converted -60.00"
    ]


def test_rule_13_a_conversion_has_no_last_day_after_an_outage() -> None:
    late = told(account("50.00"), terms(CONVERT), now="2021-01-15", until="2021-01-20")
    assert late == ["01-15 converted -50.00"]  # 51 days after E


def test_rule_14_the_end_of_a_trial_follows_the_policy_that_was_in_force_when_it_began() -> None:
    by = terms(CONVERT, DEFAULT, in_force=2)
    assert told(account("50.00"), by, until="2020-11-30")[1:] == ["11-26 converted -50.00"]


@pytest.mark.parametrize(
    ("state", "policy", "words"),
    [
        (
            TRIAL,
            DEFAULT,
            "It is a trial until 2020-11-25. Then it expires, unless it is converted before "
            "(rule 4.3).",
        ),
        (
            TRIAL,
            CONVERT,
            "It is a trial until 2020-11-25. Then its first cycle is charged, unless it is "
            "converted before (rule 4.3).",
        ),
        (
            OVER,
            DEFAULT,
            "It expired after 2020-11-25 because the trial was not converted (rule 4.3). "
            "It can be converted until it is terminated (rule 4.3).",
        ),
        (
            trial.fail(TRIAL, Failure.CARD_DECLINED, ZONE, instant("11-26")),
            CONVERT,
            "It expired after 2020-11-25 because its first cycle could not be charged: the card "
            "was declined (rule 5.3). It can be converted until it is terminated (rule 4.3).",
        ),
    ],
)
def test_it_is_explained(state: Subscription, policy: Policy, words: str) -> None:
    step = next_step(state, policy, ZONE)
    assert why_not_renewed(state, step, ZONE, suspended=False) == words


def test_an_expired_one_that_was_paid_is_explained_as_before() -> None:
    why = why_not_renewed(expired(day("12-16")), None, ZONE, suspended=False)
    assert why.endswith("It can be reactivated until it is terminated (rule 7).")
