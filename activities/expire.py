"""What happens when the expiry date has passed without a renewal, and when the days to reactivate are over (Rule 1.5)."""

from collections.abc import Callable

from activities import step_order
from activities.renew import not_yet, stale
from core.domain import lifecycle, planner
from core.domain.events import Event
from core.domain.planner import Kind
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Ledger, Work
from core.protocol.activity_messages import Outcome, StepRequest, StepResult


def expire(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark it EXPIRED; today is day 1 of the days in which it can be reactivated (Rules 1.5, 13)."""
    return _end(
        ledger,
        request,
        Kind.EXPIRE,
        lambda work, subscription: lifecycle.expire(subscription, work.today, work.zone),
        Event.EXPIRED,
    )


def end(ledger: Ledger, request: StepRequest) -> StepResult:
    """Day 29 after expiry: TERMINATED, for good (Rule 1.5)."""
    return _end(
        ledger,
        request,
        Kind.END,
        lambda work, subscription: lifecycle.terminate(subscription, work.today),
        Event.TERMINATED,
    )


def _end(
    ledger: Ledger,
    request: StepRequest,
    kind: Kind,
    change: Callable[[Work, Subscription], Subscription],
    event: Event,
) -> StepResult:
    with ledger.work(request.now, subscription=request.subscription) as work:
        subscription = work.subscription(request.subscription)
        step = planner.next_step(subscription, work.policy_of(subscription), work.zone)
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
