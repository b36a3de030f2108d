"""The attempt at once: a command left the renewal date in the past (Rule 5.7).

Worked example: expiry date 12-15, renewal date 12-08. Auto-renewal is switched on again on 12-10,
so the renewal is attempted at that instant.
"""

from core.domain.calendar import first_instant, local_date
from core.domain.planner.renewals import renewal_date
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Subscription


def attempt_at_once(subscription: Subscription, policy: Policy, zone: str) -> Step | None:
    """The attempt at the instant of the command, if its day lies from the renewal date to *E*."""
    on = renewal_date(subscription, policy)
    planned_at = subscription.planned_at
    if planned_at < first_instant(on, zone) or local_date(planned_at, zone) > subscription.expiry:
        return None
    return Step(
        StepKind.ATTEMPT,
        planned_at,
        Rule.ATTEMPT_AT_ONCE,
        f"the renewal date {on} is past, the expiry date {subscription.expiry} is not",
    )
