"""Rules 9 and 5.7: what a change of owner changes, and when it sets off an attempt."""

from dataclasses import replace
from datetime import datetime

import pytest

from core.domain.commands.change_owner import ChangeOwner
from core.domain.contents import Coming, Item
from core.domain.ownership import change_owner
from core.domain.planner.next_step import next_step
from core.domain.policy import DEFAULT
from core.domain.steps import StepKind
from core.domain.subscription import Status, Subscription
from tests.domain.made import at, day, expired, failed, subscription

HONOLULU, PARIS = "Pacific/Honolulu", "Europe/Paris"
#: Expiry date 2020-12-15, renewal date 12-08. It begins at 12-07T23:00Z in Paris and at 10:00Z in
#: Honolulu. 12-16 begins at 12-15T23:00Z in Paris and at 12-16T10:00Z in Honolulu.
BOUGHT = subscription()


def given(
    before: Subscription, now: datetime, zone: str = PARIS, old_zone: str = HONOLULU
) -> Subscription:
    return change_owner(before, "b", DEFAULT, now, zone=zone, old_zone=old_zone)


def next_of(after: Subscription, zone: str) -> tuple[StepKind, datetime]:
    step = next_step(after, DEFAULT, zone)
    assert step is not None
    return step.kind, step.due


def test_rule_9_the_account_changes_and_all_else_is_kept() -> None:
    before = subscription(
        coming=(Coming(item=Item.PLAN, sku="PRO-Y", amount=12),),
        align=True,
        discount_cycles=3,
        auto_renew=False,
    )
    after = given(before, at("2020-11-20"))
    assert after == replace(before, account="b", version=before.version + 1)


@pytest.mark.parametrize(
    ("now", "zone", "old_zone", "attempted"),
    [
        ("2020-12-07T22:59:59", PARIS, HONOLULU, False),  # not begun in Paris
        ("2020-12-07T23:00:00", PARIS, HONOLULU, True),  # it begins
        ("2020-12-10T00:00:00", PARIS, "Asia/Singapore", True),
        ("2020-12-15T22:59:59", PARIS, HONOLULU, True),  # still 12-15 in Paris
        ("2020-12-15T23:00:00", PARIS, HONOLULU, False),  # 12-16 in Paris
        ("2020-12-08T09:59:59", HONOLULU, PARIS, False),  # 12-07 in Honolulu
        ("2020-12-08T10:00:00", HONOLULU, PARIS, True),
        ("2020-12-10T00:00:00", PARIS, PARIS, False),  # the same zone
    ],
)
@pytest.mark.parametrize("state", [BOUGHT, failed(BOUGHT, at("2020-12-07T16:00"))])
def test_rule_5_7_a_renewal_date_that_is_past_in_another_zone_sets_off_an_attempt(
    now: str, zone: str, old_zone: str, attempted: bool, state: Subscription
) -> None:
    after = given(state, at(now), zone, old_zone)
    assert after.renewal_failed is state.renewal_failed
    if attempted:
        assert next_of(after, zone) == (StepKind.ATTEMPT, at(now))
    else:
        assert (after.planned_at, after.attempted_at) == (state.planned_at, state.attempted_at)


def test_rule_5_7_one_that_failed_is_left_to_its_retry_days_where_the_date_has_not_begun() -> None:
    tried = failed(BOUGHT, at("2020-12-07T23:00"))
    after = given(tried, at("2020-12-08T05:00"), HONOLULU, PARIS)
    assert next_of(after, HONOLULU) == (StepKind.RETRY, at("2020-12-10T10:00"))


@pytest.mark.parametrize(
    "state",
    [subscription(auto_renew=False), failed(subscription(auto_renew=False), at("2020-12-08"))],
)
def test_rule_8_1_one_that_does_not_renew_by_itself_is_not_attempted(state: Subscription) -> None:
    after = given(state, at("2020-12-10"))
    assert after == replace(state, account="b", version=state.version + 1)
    assert next_of(after, PARIS) == (StepKind.EXPIRE, at("2020-12-15T23:00"))


def test_rule_9_an_expired_one_ends_on_day_29_of_its_new_zone() -> None:
    after = given(expired(day("12-16")), at("2020-12-20"))
    assert after.status is Status.EXPIRED
    assert next_of(after, PARIS) == (StepKind.END, at("2021-01-12T23:00"))  # 12-16 + 28 days


def test_rule_9_one_that_expired_in_paris_stays_expired_where_its_last_day_is_not_over() -> None:
    """12-16 begins at 12-15T23:00Z in Paris. One hour later it is still 12-15 in Honolulu."""
    before = expired(day("12-16"))
    after = given(before, at("2020-12-16T00:00"), HONOLULU, PARIS)
    assert after == replace(before, account="b", version=before.version + 1)


def test_rule_1_6_the_command_names_its_new_account() -> None:
    assert ChangeOwner(subscription="s1", account="b").other_accounts() == ("b",)
