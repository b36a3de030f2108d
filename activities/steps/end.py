"""The end: day 29 after the expiry, and the subscription was not reactivated (Rule 1.5)."""

from activities.steps.due_step import take_due_step
from core.domain import lifecycle
from core.domain.events import Event
from core.domain.steps import StepKind
from core.domain.subscription import Subscription
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepRequest, StepResult


def end(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription TERMINATED, for good."""

    def ended(work: Work, subscription: Subscription) -> Subscription:
        return lifecycle.terminate(subscription, work.today)

    return take_due_step(ledger, request, StepKind.END, ended, Event.TERMINATED)
