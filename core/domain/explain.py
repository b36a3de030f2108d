"""Why a subscription has not renewed, or a trial was not converted, in words with the rule."""

from typing import assert_never

from core.domain.calendar import local_date
from core.domain.rules import Rule
from core.domain.steps import RENEWALS, Step, StepKind
from core.domain.subscription import Failure, Status, Subscription


def why_not_renewed(
    subscription: Subscription, step: Step | None, zone: str, *, suspended: bool
) -> str:
    """One or two sentences, for a trial why it was not converted. Dates are local dates.

    `step`: the next step of the subscription.
    `zone`, `suspended`: the time zone of its account, and whether the account is suspended.
    """
    match subscription.status:
        case Status.TERMINATED:
            on = subscription.terminated_on
            return f"It was terminated on {on} and never renews (rule {Rule.STATES})."
        case Status.EXPIRED:
            return (
                f"It expired after {subscription.expiry} because {_why_expired(subscription)}. "
                f"{_can_come_back(subscription)}."
            )
        case Status.ACTIVE:
            return _while_active(subscription, step, zone, suspended=suspended)
        case unreachable:
            assert_never(unreachable)


def _while_active(
    subscription: Subscription, step: Step | None, zone: str, *, suspended: bool
) -> str:
    if subscription.trial:
        return _while_trial(subscription, step)
    if not subscription.auto_renew:
        until = subscription.expiry
        return f"Auto-renewal is off (rule {Rule.AUTO_RENEWAL}): it runs until {until}."
    if subscription.renewal_failed:
        return _while_failed(subscription, step, zone)
    held = (
        " The account is suspended: the attempt will fail unless it is resumed "
        f"(rule {Rule.RENEWAL_WHILE_SUSPENDED})."
    )
    paid = f"it is paid until {subscription.expiry}"
    on = f" and renews on {local_date(step.due, zone)}" if step and step.kind in RENEWALS else ""
    changes = _pending(subscription)
    return f"It is not due: {paid}{on} (rule {Rule.RENEWAL}).{changes}{held if suspended else ''}"


def _pending(subscription: Subscription) -> str:
    """What the next paid cycle brings, as a sentence with a space before it."""
    brings = ", ".join(it.words for it in subscription.pending)
    return f" The next paid cycle brings {brings} (rule {Rule.CHANGES})." if brings else ""


def _while_trial(subscription: Subscription, step: Step | None) -> str:
    charged = step is not None and step.kind is StepKind.CONVERT_TRIAL
    then = "Then its first cycle is charged" if charged else "Then it expires"
    return (
        f"It is a trial until {subscription.expiry}. {then}, unless it is converted before "
        f"(rule {Rule.TRIAL})."
    )


def _while_failed(subscription: Subscription, step: Step | None, zone: str) -> str:
    assert subscription.failure is not None
    retry = f"No retry is left (rule {Rule.RETRY})."
    if step is not None and step.kind is StepKind.RETRY:
        retry = f"The next retry is on {local_date(step.due, zone)} (rule {Rule.RETRY})."
    return f"The renewal failed: {_in_words(subscription.failure)}. {retry}"


def _can_come_back(subscription: Subscription) -> str:
    if subscription.trial:
        return f"It can be converted until it is terminated (rule {Rule.TRIAL})"
    return f"It can be reactivated until it is terminated (rule {Rule.REACTIVATE})"


def _why_expired(subscription: Subscription) -> str:
    if subscription.trial:
        return _why_trial_expired(subscription)
    if subscription.failure is not None:
        return f"the renewal failed: {_in_words(subscription.failure)}"
    if not subscription.auto_renew:
        return f"auto-renewal was off (rule {Rule.AUTO_RENEWAL})"
    return f"no attempt to renew could be made in time (rule {Rule.OUTAGE})"


def _why_trial_expired(subscription: Subscription) -> str:
    if subscription.failure is not None:
        return f"its first cycle could not be charged: {_in_words(subscription.failure)}"
    return f"the trial was not converted (rule {Rule.TRIAL})"


def _in_words(failure: Failure) -> str:
    return f"{failure.past} (rule {failure.rule})"
