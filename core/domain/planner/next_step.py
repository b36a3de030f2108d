"""The next step of a subscription (Rules 1.5, 4.3)."""

from dataclasses import replace

from core.domain.planner.attempt_at_once import attempt_at_once
from core.domain.planner.expiry import end, expiry
from core.domain.planner.renewals import renewal, retry
from core.domain.planner.trial_end import trial_end
from core.domain.policy import Policy
from core.domain.steps import Step
from core.domain.subscription import Status, Subscription


def next_step(subscription: Subscription, policy: Policy, zone: str) -> Step | None:
    """The next step in the account's time zone. Returns None when the status is TERMINATED.

    Nothing is due before it was planned. What came in by an import onto a day to come was planned
    for that day, so a step that would be past then is due on that day.
    """
    if subscription.status is Status.TERMINATED:
        return None
    step = _by_status(subscription, policy, zone)
    if step.due >= subscription.planned_at:
        return step
    return replace(step, due=subscription.planned_at)


def _by_status(subscription: Subscription, policy: Policy, zone: str) -> Step:
    if subscription.status is Status.EXPIRED:
        return end(subscription, policy, zone)
    if subscription.trial:
        return trial_end(subscription, policy, zone)
    return _attempt(subscription, policy, zone) or expiry(subscription, zone)


def _attempt(subscription: Subscription, policy: Policy, zone: str) -> Step | None:
    """The next attempt to renew, if auto-renewal is on and an attempt is left."""
    if not subscription.auto_renew:
        return None
    if subscription.attempted_at is not None:
        return retry(subscription, policy, zone, subscription.attempted_at)
    return attempt_at_once(subscription, policy, zone) or renewal(subscription, policy, zone)
