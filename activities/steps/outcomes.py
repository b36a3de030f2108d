"""What a step returns when it does not run: it is stale, or another step comes first."""

from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import (
    AccountSnapshot,
    DueStep,
    Outcome,
    Snapshot,
    StepRequest,
    StepResult,
)


def not_yet(snapshot: Snapshot | AccountSnapshot, first: DueStep) -> StepResult:
    """Another step of the account comes first (Rule 1.7)."""
    return StepResult(outcome=Outcome.NOT_YET, snapshot=snapshot, first=first)


def stale(work: Work, request: StepRequest) -> StepResult:
    """The step of a subscription has run already. The snapshot says what is next."""
    subscription = work.subscription(request.subject.id)
    return StepResult(outcome=Outcome.STALE, snapshot=work.snapshot(subscription))
