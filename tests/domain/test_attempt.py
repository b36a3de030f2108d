"""Rules 5.2, 5.4, 5.6, 13, 3.5: an attempt to renew, planned."""

from dataclasses import replace
from datetime import datetime

import pytest

from core.domain import price_in_force, renewal_attempt
from core.domain.calendar import first_instant
from core.domain.policy import DEFAULT, GroupRenewal
from core.domain.refusal import Refused
from core.domain.renewal_attempt import Told
from core.domain.subscription import Account, Failure, Status, Subscription
from core.domain.terms import Terms
from tests.domain.made import (
    ZONE,
    account,
    at,
    day,
    expired,
    failed,
    ids,
    steps,
    subscription,
    terms,
)

S1, S2 = subscription("s1"), subscription("s2", sku="BIZ-M", addons={"SEAT": 2})
DUE = first_instant(day("12-08"), ZONE)


def plan(
    of: Account, leader: Subscription, siblings: list[Subscription], by: Terms, now: datetime
) -> renewal_attempt.Attempt | None:
    return renewal_attempt.plan(of, leader, siblings, steps(siblings, by), by, now)


def test_rule_5_2_a_group_is_attempted_as_one_sum() -> None:
    planned = plan(account(), S2, [S1, S2], terms(), DUE)
    assert planned is not None
    assert (ids(planned.members), planned.leader, planned.rule) == (["s1", "s2"], S2, "5.1")
    assert planned.group.amount == 50 + 40 + 20
    assert planned.why == "2020-12-08 is the renewal date of the cycle that ends on 2020-12-15"


def test_rule_5_2_the_policy_in_force_says_whether_there_are_groups() -> None:
    independent = replace(DEFAULT, group_renewal=GroupRenewal.INDEPENDENT)
    planned = plan(account(), S2, [S1, S2], terms(DEFAULT, independent, in_force=2), DUE)
    assert planned is not None
    assert ids(planned.members) == ["s2"]


def test_rule_5_4_a_retry_takes_the_failed_ones() -> None:
    siblings = [failed(S1, DUE), S2]
    planned = plan(account(), siblings[0], siblings, terms(), first_instant(day("12-10"), ZONE))
    assert planned is not None
    assert (ids(planned.members), planned.rule) == (["s1"], "5.4")


@pytest.mark.parametrize(
    "leader",
    [
        subscription(anchor=day("11-17")),  # It is due a day later.
        subscription(auto_renew=False),
        expired(day("12-08")),
        subscription(status=Status.TERMINATED),
        failed(subscription(), DUE),  # Its retry lies ahead.
    ],
)
def test_nothing_is_attempted_that_is_not_due(leader: object) -> None:
    attempt = plan(account(), leader, [leader], terms(), DUE)  # type: ignore[arg-type,list-item]
    assert attempt is None


@pytest.mark.parametrize(
    "leader",
    [
        subscription(auto_renew=False),  # E 12-15: it expires on 12-16.
        failed(subscription(), at("2020-12-14T03:00")),  # No retry is left.
        expired(day("11-18")),  # Day 29 is 12-16: it is TERMINATED.
        subscription(trial=True),
    ],
)
def test_what_is_due_and_no_renewal_is_not_attempted(leader: Subscription) -> None:
    """At the first instant of 12-16."""
    now = first_instant(day("12-16"), ZONE)
    step = steps([leader], terms())[leader.id]
    assert step is not None
    assert step.due == now
    assert plan(account(), leader, [leader], terms(), now) is None


def test_rule_13_a_late_group_is_attempted_by_rule_13() -> None:
    planned = plan(account(), S1, [S1, S2], terms(), at("2020-12-20T03:00"))
    assert planned is not None
    assert (ids(planned.members), planned.rule) == (["s1", "s2"], "13")


@pytest.mark.parametrize(("today", "rule"), [("12-15", "5.1"), ("12-16", "13"), ("12-17", "13")])
def test_rule_13_a_group_is_late_when_one_of_it_is(today: str, rule: str) -> None:
    """Both renew on 12-08. One has E 12-15. The legacy one has E 12-16, 8 days later."""
    legacy = subscription("s2", anchor=day("11-17"), legacy=True)
    planned = plan(account(), S1, [S1, legacy], terms(), at(f"2020-{today}T03:00"))
    assert planned is not None
    assert (ids(planned.members), planned.rule) == (["s1", "s2"], rule)


def test_rule_13_who_may_not_be_attempted_any_more_is_left_out_and_as_leader_attempts_nobody() -> (
    None
):
    patient = replace(DEFAULT, late_renewal_days=30)
    slow = replace(S2, policy_version=2)
    for leader, members in ((S1, []), (slow, ["s2"])):
        planned = plan(
            account(), leader, [S1, slow], terms(DEFAULT, patient), at("2020-12-26T03:00")
        )
        assert planned is not None
        assert ids(planned.members) == members
    suspended = plan(account(suspended=True), S1, [S1, S2], terms(), at("2020-12-20T03:00"))
    assert suspended is not None
    assert (suspended.members, suspended.group.amount) == ((), 0)


def test_rule_3_5_the_next_cycle_costs_the_price_of_its_renewal_date_whenever_it_is_bought() -> (
    None
):
    # E 2021-03-07, renewal date 02-28: 50.00; a day later 60.00
    for anchor, fee in (("2021-02-08", 50), ("2021-02-09", 60)):
        of = subscription(anchor=day(anchor))
        planned = plan(account(), of, [of], terms(), at("2021-03-06T03:00"))
        assert planned is not None
        assert planned.group.amount == fee


def test_rule_3_5_without_a_price_the_attempt_fails_before_anything_is_funded() -> None:
    planned = plan(account(currency="EUR"), S1, [S1], terms(), DUE)
    assert planned is not None
    assert (planned.members, planned.group.lines, planned.failure) == ((S1,), {}, Failure.NO_PRICE)
    assert planned.group.amount == 0
    with pytest.raises(Refused, match=r"PRO-M has no price in EUR"):
        price_in_force.renewal_lines(S1, terms(), "EUR")


def test_rule_5_4_a_failure_is_told_with_its_reason() -> None:
    changed, told = renewal_attempt.fail(S1, Failure.SUSPENDED, "5.1", ZONE, DUE)
    assert (changed.status, changed.renewal_failed, changed.attempted_at) == (
        Status.ACTIVE,
        True,
        DUE,
    )
    assert told == [Told("renewal_failed", "5.1", Failure.SUSPENDED)]


def test_rule_13_a_late_failure_is_expired_at_once() -> None:
    changed, told = renewal_attempt.fail(S1, Failure.NO_CREDITS, "13", ZONE, at("2020-12-20T03:00"))
    assert (changed.status, changed.renewal_failed, changed.expired_on) == (
        Status.EXPIRED,
        False,
        day("12-20"),
    )
    assert changed.version == S1.version + 1  # One change has two events.
    assert told == [Told("renewal_failed", "13", Failure.NO_CREDITS), Told("expired", "13")]
