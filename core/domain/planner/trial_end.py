"""The end of a trial, on E + 1 (Rule 4.3)."""

from datetime import timedelta

from core.domain.calendar import first_instant
from core.domain.planner.expiry import expiry
from core.domain.policy import Policy, TrialEnd
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Subscription

_DAY = timedelta(days=1)


def trial_end(trial: Subscription, policy: Policy, zone: str) -> Step:
    """Charge the first cycle, if the policy says so and auto-renewal is on. Else expire."""
    if policy.trial_end is TrialEnd.EXPIRE or not trial.auto_renew:
        return expiry(trial, zone)
    return Step(
        StepKind.CONVERT_TRIAL,
        first_instant(trial.expiry + _DAY, zone),
        Rule.TRIAL,
        f"{trial.expiry} is the last day of the trial, and its first paid cycle follows",
    )
