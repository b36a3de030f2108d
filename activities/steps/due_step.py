"""A step that changes its subject and moves no money."""

from activities import earlier_steps
from activities.steps.outcomes import not_yet, stale
from core.domain.planner.account_steps import ACCOUNT_STEPS
from core.domain.planner.subscription_steps import SUBSCRIPTION_STEPS
from core.domain.steps import Step, StepKind
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Outcome, StepRequest, StepResult


def take_subscription_step(ledger: Ledger, request: StepRequest, kind: StepKind) -> StepResult:
    """Change the subscription if a step of this kind is due, and add its event to the history."""
    with ledger.work(request.now, subscription=request.subject.id) as work:
        subscription = work.subscription(request.subject.id)
        step = work.step_of(subscription)
        if step is None or not _is_due(step, kind, subscription.version, work, request):
            return stale(work, request)
        if first := earlier_steps.before_step(work, request):
            return not_yet(work.snapshot(subscription), first)
        row = SUBSCRIPTION_STEPS[kind]
        work.event(row.event, step.rule, subscription=subscription.id, why=step.why)
        after = row.change(subscription, work.today, work.zone)
        return StepResult(outcome=Outcome.DONE, snapshot=work.save(after))


def take_account_step(ledger: Ledger, request: StepRequest, kind: StepKind) -> StepResult:
    """Change the account if a step of this kind is due, and add its event to the history."""
    with ledger.work(request.now, account=request.subject.id) as work:
        step = work.account_step()
        if step is None or not _is_due(step, kind, work.account.version, work, request):
            return StepResult(outcome=Outcome.STALE, snapshot=work.account_snapshot())
        if first := earlier_steps.before_step(work, request):
            return not_yet(work.account_snapshot(), first)
        row = ACCOUNT_STEPS[kind]
        work.event(row.event, step.rule, why=step.why)
        return StepResult(
            outcome=Outcome.DONE, snapshot=work.save_account(row.change(work.account))
        )


def _is_due(step: Step, kind: StepKind, version: int, work: Work, request: StepRequest) -> bool:
    return version == request.version and step.kind is kind and step.due <= work.now
