"""The end: day 29 after the expiry, and the subscription was not reactivated (Rule 1.5)."""

from datetime import timedelta

from activities.asked_step import Asked, take_subscription_step
from core.domain.number_changes import has_numbers
from core.domain.numbers import Cause
from core.domain.steps import StepKind
from core.domain.subscription import Subscription
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def end(work: Work, asked: Asked) -> StepResult | None:
    """Mark the subscription TERMINATED, for good. Holds of its numbers go on (Rule 10.2)."""
    return take_subscription_step(work, asked, StepKind.END, _give_back)


def _give_back(work: Work, expired: Subscription, _: Subscription) -> None:
    """A reminder that is due at the same instant, or later, is still to come (Rule 1.7)."""
    step = work.step_of(expired)
    assert step is not None
    if has_numbers(expired):
        since = step.due - timedelta.resolution
        numbers.give_back(work, expired.id, Cause.TERMINATED, since=since)
