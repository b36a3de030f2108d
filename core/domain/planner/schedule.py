"""The coming steps and notices of a subscription, one after the other."""

from collections.abc import Iterator
from datetime import datetime

from core.domain import alignment, trial
from core.domain.calendar import local_date
from core.domain.planner.next_step import next_step
from core.domain.planner.notices import PlannedNotice, planned_notices, untrue
from core.domain.planner.subscription_steps import SUBSCRIPTION_STEPS
from core.domain.policy import Policy
from core.domain.steps import RENEWALS, Step, StepKind
from core.domain.subscription import Status, Subscription


def schedule(
    subscription: Subscription, policy: Policy, zone: str, now: datetime | None = None
) -> Iterator[Step | PlannedNotice]:
    """The coming steps and notices in order, if every charge is funded and no command arrives.

    While the subscription renews, the schedule ends only with the calendar. It contains the notices
    after `now`. Without `now` it contains those after the last planning or attempt.
    """
    since = now or max(
        subscription.planned_at, subscription.attempted_at or subscription.planned_at
    )
    while step := next_step(subscription, policy, zone):
        yield from _true_notices(subscription, policy, zone, since)
        yield step
        since = step.due
        after = _after(step, subscription, zone)
        if after is None:
            return
        subscription = after


def _true_notices(
    subscription: Subscription, policy: Policy, zone: str, since: datetime
) -> Iterator[PlannedNotice]:
    """The true notices after an instant, in order. All come before the next step."""
    notices = planned_notices(subscription, policy, zone, since)
    for notice in sorted(notices, key=lambda notice: notice.due):
        kind, due, expiry = notice.kind, notice.due, subscription.expiry
        if not untrue(kind, expiry, subscription, policy, zone, due, suspended=False):
            yield notice


def _after(step: Step, subscription: Subscription, zone: str) -> Subscription | None:
    """The subscription after the step. Returns None after its end, or the calendar's."""
    today, version = local_date(step.due, zone), subscription.policy_version
    if step.kind in RENEWALS:
        try:
            return alignment.renew(subscription, today, step.due, version)[0]
        except OverflowError:
            return None
    if step.kind is StepKind.CONVERT_TRIAL:
        return trial.convert(subscription, today, step.due, version)[0]
    after = SUBSCRIPTION_STEPS[step.kind].change(subscription, today, zone)
    return None if after.status is Status.TERMINATED else after
