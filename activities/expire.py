"""What happens when the expiry date has passed without a renewal, and when the days to reactivate are over (Rule 1.5)."""

from collections.abc import Callable
from datetime import date, timedelta

from activities.renew import stale
from domain import lifecycle, planner
from domain.calendar import local_date
from domain.messages import Outcome, StepRequest, StepResult
from domain.planner import Kind
from domain.subscription import Subscription
from ledger.work import Ledger, Work


def expire(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark it EXPIRED; today is day 1 of the days in which it can be reactivated (Rules 1.5, 13)."""
    return _end(ledger, request, Kind.EXPIRE, _expired, "expired")


def terminate(ledger: Ledger, request: StepRequest) -> StepResult:
    """Day 29 after expiry: TERMINATED, for good (Rule 1.5)."""
    return _end(ledger, request, Kind.TERMINATE, _terminated, "terminated")


def _expired(work: Work, subscription: Subscription, due: date) -> Subscription:
    """Day 1 is *E* + 1, also where that date does not exist (Apia, 2011-12-30) and the step is due with the next; marked late, day 1 is today."""
    return lifecycle.expire(subscription, subscription.expiry + timedelta(days=1) if work.today == due else work.today)


def _terminated(work: Work, subscription: Subscription, _: date) -> Subscription:
    return lifecycle.terminate(subscription, work.today)


def _end(
    ledger: Ledger, request: StepRequest, kind: Kind, change: Callable[[Work, Subscription, date], Subscription], event: str
) -> StepResult:
    with ledger.work(request.now, subscription=request.subscription) as work:
        subscription = work.subscription(request.subscription)
        step = planner.next_step(subscription, work.policy_of(subscription), work.zone)
        if subscription.version != request.version or step is None or step.kind is not kind or step.due > work.now:
            return stale(work, request)
        work.event(event, step.rule, subscription=subscription.id, why=step.why)
        return StepResult(outcome=Outcome.DONE, snapshot=work.save(change(work, subscription, local_date(step.due, work.zone))))
