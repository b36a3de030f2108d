"""The expiry on E + 1, and the end on day 29 after it (Rule 1.5)."""

from datetime import timedelta

from core.domain.calendar import first_instant
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Subscription

_DAY = timedelta(days=1)


def expiry(subscription: Subscription, zone: str) -> Step:
    """Mark the subscription EXPIRED at the first instant of the day after *E*.

    So ends a trial, too, when its first cycle is not charged by itself (Rule 4.3).
    """
    return Step(
        StepKind.EXPIRE,
        first_instant(subscription.expiry + _DAY, zone),
        Rule.TRIAL if subscription.trial else Rule.TIMELINE,
        f"{_why_not_renewed(subscription)}; {subscription.expiry} is the last day",
    )


def end(subscription: Subscription, policy: Policy, zone: str) -> Step:
    """Mark the EXPIRED subscription TERMINATED when the days to reactivate it are over."""
    assert subscription.expired_on is not None
    day = subscription.expired_on + timedelta(days=policy.reactivation_days)
    return Step(
        StepKind.END,
        first_instant(day, zone),
        Rule.TIMELINE,
        f"expired and not {'converted' if subscription.trial else 'reactivated'} by {day - _DAY}",
    )


def _why_not_renewed(subscription: Subscription) -> str:
    if subscription.trial:
        return "the trial ends and was not converted"
    if not subscription.auto_renew:
        return "auto-renewal is off"
    if subscription.renewal_failed:
        return "the renewal failed and no retry is left"
    return "no attempt to renew is left"
