"""Close an account for good: it was closed and not opened again in time (Rule 11.8)."""

from activities.asked_step import Asked, take_account_step
from core.domain.steps import StepKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def close_for_good(work: Work, asked: Asked) -> StepResult | None:
    """The account can no longer be opened again."""
    return take_account_step(work, asked, StepKind.CLOSE_FOR_GOOD)
