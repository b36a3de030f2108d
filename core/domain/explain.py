"""Why a subscription has not renewed (yet), in words that a support person understands, with the rule (the promise of clarity)."""

from core.domain import planner
from core.domain.calendar import local_date
from core.domain.planner import Kind
from core.domain.policy import Policy
from core.domain.subscription import Failure, Status, Subscription

_FAILURES = {
    Failure.NO_CREDITS: "the usable credits did not cover the fee (rule 5.3)",
    Failure.CARD_DECLINED: "the card was declined (rule 5.3)",
    Failure.SUSPENDED: "the account was suspended (rule 5.6)",
    Failure.NO_PRICE: "the catalogue had no price for it on its renewal date (rule 3.5)",
}


def why_not_renewed(
    subscription: Subscription, policy: Policy, zone: str, *, suspended: bool
) -> str:
    """One or two sentences; dates are local dates of the account."""
    step = planner.next_step(subscription, policy, zone)
    failure = _FAILURES[subscription.failure] if subscription.failure else None
    match subscription.status:
        case Status.TERMINATED:
            return f"It was terminated on {subscription.terminated_on} and never renews (rule 2)."
        case Status.EXPIRED:
            why = f"the renewal failed: {failure}" if failure else _without_failure(subscription)
            return f"It expired after {subscription.expiry} because {why}. It can be reactivated until it is terminated (rule 7)."
        case Status.ACTIVE if not subscription.auto_renew:
            return f"Auto-renewal is off (rule 8.1): it runs until {subscription.expiry}."
        case Status.ACTIVE if subscription.renewal_failed:
            retry = (
                f"The next retry is on {local_date(step.due, zone)} (rule 5.4)."
                if step and step.kind is Kind.RETRY
                else "No retry is left (rule 5.4)."
            )
            return f"The renewal failed: {failure}. {retry}"
        case _:
            held = (
                " The account is suspended: the attempt will fail unless it is resumed (rule 5.6)."
                if suspended
                else ""
            )
            on = planner.renewal_date(subscription, policy)
            return f"It is not due: it is paid until {subscription.expiry} and renews on {on} (rule 5.1).{held}"


def _without_failure(subscription: Subscription) -> str:
    return (
        "auto-renewal was off (rule 8.1)"
        if not subscription.auto_renew
        else "no attempt to renew could be made in time (rule 13)"
    )
