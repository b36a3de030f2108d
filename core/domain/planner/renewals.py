"""The renewal date and the retry days (Rules 5.1, 5.4).

Worked example: expiry date 12-15, lead 7 days, retries after 2, 4 and 6 days. The renewal date is
12-08, the retries are on 12-10, 12-12 and 12-14.
"""

from datetime import date, datetime, timedelta

from core.domain.calendar import first_instant
from core.domain.counted import counted
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Subscription


def renewal_date(subscription: Subscription, policy: Policy) -> date:
    """*E* minus the lead (Rule 1.5)."""
    return subscription.expiry - timedelta(days=policy.lead(subscription.legacy))


def renewal(subscription: Subscription, policy: Policy, zone: str) -> Step:
    """The first attempt, on the renewal date (Rule 5.1)."""
    on = renewal_date(subscription, policy)
    return Step(
        StepKind.RENEW,
        first_instant(on, zone),
        Rule.RENEWAL,
        f"{on} is the renewal date of the cycle that ends on {subscription.expiry}",
    )


def retry(
    subscription: Subscription, policy: Policy, zone: str, attempted_at: datetime
) -> Step | None:
    """The first retry after the failed attempt. Returns None when no retry is left (Rule 5.4)."""
    on = renewal_date(subscription, policy)
    for number, days in enumerate(policy.retry_days, start=1):
        due = first_instant(on + timedelta(days=days), zone)
        if due > attempted_at:
            later = f"{counted(days, 'day')} after the renewal date {on}"
            why = f"retry {number} of {len(policy.retry_days)}, {later}"
            return Step(StepKind.RETRY, due, Rule.RETRY, why)
    return None
