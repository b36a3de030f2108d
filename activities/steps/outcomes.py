"""What a step returns when it is not taken: it is stale, or another step comes first."""

from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import DueStep, Outcome, StepRequest, StepResult


def not_yet(work: Work, subscription: Subscription, first: DueStep) -> StepResult:
    """Another step of the account comes first (Rule 1.7)."""
    return StepResult(outcome=Outcome.NOT_YET, snapshot=work.snapshot(subscription), first=first)


def stale(work: Work, request: StepRequest) -> StepResult:
    """The step was taken already. The snapshot says what is next."""
    subscription = work.subscription(request.subscription)
    return StepResult(outcome=Outcome.STALE, snapshot=work.snapshot(subscription))
