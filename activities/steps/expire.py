"""The expiry: the expiry date has passed without a renewal (Rules 1.5, 13)."""

from activities.steps.due_step import take_due_step
from core.domain import lifecycle
from core.domain.events import Event
from core.domain.steps import StepKind
from core.domain.subscription import Subscription
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepRequest, StepResult


def expire(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription EXPIRED. Today is day 1 of the days to reactivate it."""

    def expired(work: Work, subscription: Subscription) -> Subscription:
        return lifecycle.expire(subscription, work.today, work.zone)

    return take_due_step(ledger, request, StepKind.EXPIRE, expired, Event.EXPIRED)
