"""Rules 5.2, 5.7: what is funded together."""

from dataclasses import replace

import pytest

from core.domain.calendar import first_instant
from core.domain.group_renewal import group
from core.domain.policy import DEFAULT, GroupRenewal
from core.domain.subscription import Status, Subscription
from core.domain.terms import Terms
from tests.domain.made import (
    START,
    ZONE,
    at,
    day,
    expired,
    failed,
    ids,
    steps,
    subscription,
    terms,
)

TERMS = terms(DEFAULT, replace(DEFAULT, renewal_lead_days=10))
LEADER = subscription("m")
FIRST = first_instant(day("12-08"), ZONE)


def together_with(
    leader: Subscription, siblings: list[Subscription], by: Terms = TERMS
) -> tuple[Subscription, ...]:
    return group(leader, siblings, steps(siblings, by), by)


@pytest.mark.parametrize(
    ("other", "together"),
    [
        (subscription("a"), True),
        (
            subscription("z", months=13, anchor=day("2019-11-16"), cycle=12),
            True,
        ),  # another cycle, the same renewal date
        (subscription("m2", account="other"), False),
        (subscription("m2", auto_renew=False), False),
        (subscription("m2", anchor=day("11-17")), False),  # renews a day later
        (subscription("m2", legacy=True), False),  # renews a day earlier
        (subscription("m2", legacy=True, anchor=day("11-17")), True),
        (subscription("m2", policy_version=2), False),  # its E − 10
        (subscription("m2", policy_version=2, anchor=day("11-19")), True),  # E 12-18 − 10 = 12-08
        (failed(subscription("m2"), FIRST), False),  # has been attempted already
        (
            subscription("m2", planned_at=at("2020-12-08T03:00")),
            False,
        ),  # is attempted at once, alone (5.7)
        (expired(START, id_="m2"), False),
        (subscription("m2", status=Status.TERMINATED), False),
    ],
)
def test_rule_5_2_those_of_one_account_and_renewal_date_whose_first_attempt_is_due_are_one_group(
    other: Subscription, together: bool
) -> None:
    members = together_with(LEADER, [other, LEADER])
    assert ids(members) == sorted({"m", other.id} if together else {"m"})


@pytest.mark.parametrize(
    ("other", "together"),
    [
        (failed(subscription("a"), FIRST), True),
        (subscription("a"), False),  # has not failed
        (failed(subscription("a", auto_renew=False), FIRST), False),
        (failed(subscription("a", anchor=day("11-17")), FIRST), False),
        (failed(subscription("a", account="other"), FIRST), False),
    ],
)
def test_rule_5_2_a_retry_takes_those_that_still_belong_to_the_group(
    other: Subscription, together: bool
) -> None:
    leader = failed(LEADER, FIRST)
    members = together_with(leader, [leader, other])
    assert ids(members) == (["a", "m"] if together else ["m"])


def test_rule_5_2_under_independent_each_is_alone() -> None:
    current = terms(replace(DEFAULT, group_renewal=GroupRenewal.INDEPENDENT))
    assert together_with(LEADER, [subscription("a"), LEADER], current) == (LEADER,)


def test_rule_5_7_an_attempt_at_once_is_made_alone() -> None:
    leader = subscription("m", planned_at=at("2020-12-08T03:00"))
    assert together_with(leader, [subscription("a"), leader]) == (leader,)
