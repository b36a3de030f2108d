"""The expiry: the expiry date has passed without a renewal (Rules 1.5, 13)."""

from activities.asked_step import Asked, take_subscription_step
from activities.numbers import hold_after_expiry
from core.domain.steps import StepKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def expire(work: Work, asked: Asked) -> StepResult | None:
    """Mark the subscription EXPIRED. Today is day 1 of the days to reactivate it.

    Its numbers are held from now on (Rule 10.2).
    """
    return take_subscription_step(work, asked, StepKind.EXPIRE, hold_after_expiry)
