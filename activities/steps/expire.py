"""The expiry: the expiry date has passed without a renewal (Rules 1.5, 13)."""

from activities.steps.due_step import take_subscription_step
from core.domain.steps import StepKind
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import StepRequest, StepResult


def expire(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription EXPIRED. Today is day 1 of the days to reactivate it."""
    return take_subscription_step(ledger, request, StepKind.EXPIRE)
