"""A step that changes one subscription and moves no money: `expire` and `end`."""

from collections.abc import Callable

from activities import step_order
from activities.steps.outcomes import not_yet, stale
from core.domain.events import Event
from core.domain.steps import StepKind
from core.domain.subscription import Subscription
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Outcome, StepRequest, StepResult


def take_due_step(
    ledger: Ledger,
    request: StepRequest,
    kind: StepKind,
    change: Callable[[Work, Subscription], Subscription],
    event: Event,
) -> StepResult:
    """Change the subscription if a step of this kind is due, and add the event to its history."""
    with ledger.work(request.now, subscription=request.subscription) as work:
        subscription = work.subscription(request.subscription)
        step = work.step_of(subscription)
        if (
            subscription.version != request.version
            or step is None
            or step.kind is not kind
            or step.due > work.now
        ):
            return stale(work, request)
        if first := step_order.before_step(work, request):
            return not_yet(work, subscription, first)
        work.event(event, step.rule, subscription=subscription.id, why=step.why)
        return StepResult(outcome=Outcome.DONE, snapshot=work.save(change(work, subscription)))
