"""Close an account for good: it was closed and not opened again in time (Rule 11.8)."""

from activities.steps.due_step import take_account_step
from core.domain.steps import StepKind
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import StepRequest, StepResult


def close_for_good(ledger: Ledger, request: StepRequest) -> StepResult:
    """The account can no longer be opened again."""
    return take_account_step(ledger, request, StepKind.CLOSE_FOR_GOOD)
