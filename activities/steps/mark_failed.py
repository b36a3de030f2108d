"""Mark an attempt that cannot be funded as failed (Rules 5.4, 13)."""

from activities.payments import take_up
from activities.steps.attempt_results import due_attempt, failed, missed, result
from activities.steps.outcomes import stale
from core.domain import funding
from core.domain.funding import Source
from core.domain.subscription import Failure
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import ChargeOutcome, Outcome, StepRequest, StepResult


def mark_failed(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription and its group as failed to renew. A late one is EXPIRED at once.

    It checks again whether the sum can be funded, because a top-up may have come in between.
    """
    with ledger.work(request.now, subscription=request.subject.id) as work:
        declined = (
            request.charge is not None and take_up(work, request.charge) is ChargeOutcome.DECLINED
        )
        attempt = due_attempt(work, request)
        if attempt is None:
            return stale(work, request)
        if not attempt.members:
            return missed(work, attempt)
        source = attempt.failure or funding.fund(
            work.account, attempt.amount, work.today, card_allowed=False
        )
        if source is Source.WALLET:
            return result(work, attempt, Outcome.FUNDED)
        return failed(work, attempt, Failure.CARD_DECLINED if declined else Failure(source))
