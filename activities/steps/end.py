"""The end: day 29 after the expiry, and the subscription was not reactivated (Rule 1.5)."""

from activities.steps.due_step import take_subscription_step
from core.domain.steps import StepKind
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import StepRequest, StepResult


def end(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription TERMINATED, for good."""
    return take_subscription_step(ledger, request, StepKind.END)
