"""What a step is asked for with, and the steps that change their subject and move no money."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from core.domain.numbers import Number
from core.domain.planner.account_steps import ACCOUNT_STEPS
from core.domain.planner.subscription_steps import SUBSCRIPTION_STEPS
from core.domain.steps import Step, StepKind, Subject
from core.domain.subscription import Subscription
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Before, ChargeOutcome, Outcome, Passed, StepResult


def nothing(own: Collection[Subject]) -> None:
    """Nothing comes before the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A step that is asked for. Its function in activities/steps/ takes it, if it is due.

    `subject`, `version`: whose step it is, and the version that the caller has seen.
    `past`: the due steps of the account that are not taken first.
    `charged`: the outcome of the card charge that was made for it. None: none was made.
    `along`: it is taken along with another one, so it asks for no card charge.
    `briefly`: another one waits for it, so it does not wait for another charge of the account.
    `before`: takes what comes before these subjects in the account. Default: nothing does.
    """

    subject: Subject
    version: int
    past: Collection[Passed] = ()
    charged: ChargeOutcome | None = None
    along: bool = False
    briefly: bool = False
    before: Callable[[Collection[Subject]], Before | None] = nothing


def not_yet(before: Before) -> StepResult:
    """Something else of the account comes before the step (Rule 1.7)."""
    return StepResult(outcome=Outcome.NOT_YET, before=before)


def take_subscription_step(
    work: Work,
    asked: Asked,
    kind: StepKind,
    act: Callable[[Work, Subscription, Subscription], None] | None = None,
) -> StepResult | None:
    """Change the subscription if a step of this kind is due, and add its event to the history.

    `act`: what else the step does, with the subscription before and after it. Default: nothing.

    Returns None when the step is not due.
    """
    subscription = work.subscription(asked.subject.id)
    step = due_step(work, asked, kind)
    if step is None:
        return None
    if before := asked.before([asked.subject]):
        return not_yet(before)
    row = SUBSCRIPTION_STEPS[kind]
    work.event(row.event, step.rule, subscription=subscription.id, why=step.why)
    after = row.change(subscription, work.today, work.zone)
    if act:
        act(work, subscription, after)
    return StepResult(outcome=Outcome.DONE, snapshot=work.save(after))


def due_step(work: Work, asked: Asked, kind: StepKind) -> Step | None:
    """The step of a subscription that is asked for. Returns None when it is not due."""
    subscription = work.subscription(asked.subject.id)
    step = work.step_of(subscription)
    due = step is not None and _is_due(step, kind, subscription.version, work, asked)
    return step if due else None


def take_account_step(
    work: Work, asked: Asked, kind: StepKind, act: Callable[[Work], Sequence[int]] | None = None
) -> StepResult | None:
    """Change the account if a step of this kind is due, and add its event to the history.

    `act`: what else the step does. It returns the operations behind its events. Default: nothing,
    and one event.

    Returns None when the step is not due.
    """
    step = due_account_step(work, asked, kind)
    if step is None:
        return None
    if before := asked.before([asked.subject]):
        return not_yet(before)
    row = ACCOUNT_STEPS[kind]
    for operation in act(work) if act else [None]:
        work.event(row.event, step.rule, operation=operation, why=step.why)
    return StepResult(outcome=Outcome.DONE, snapshot=work.save_account(row.change(work.account)))


def due_account_step(work: Work, asked: Asked, kind: StepKind) -> Step | None:
    """The step of the account, if one of this kind is due. None otherwise."""
    step = work.account_step()
    if step is None or not _is_due(step, kind, work.account.version, work, asked):
        return None
    return step


def take_number_step(
    work: Work, asked: Asked, kind: StepKind, change: Callable[[Work, Number, Step], None]
) -> StepResult | None:
    """Change the number if a step of this kind is due. A number has no workflow to be told.

    `change`: saves the number after the step, and adds the event to the history.
    Returns None when the step is not due.
    """
    found = numbers.with_step(work, asked.subject)
    if found is None or not _is_due(found[1], kind, found[0].version, work, asked):
        return None
    if before := asked.before([asked.subject]):
        return not_yet(before)
    change(work, *found)
    return StepResult(outcome=Outcome.DONE)


def _is_due(step: Step, kind: StepKind, version: int, work: Work, asked: Asked) -> bool:
    return version == asked.version and step.kind is kind and step.due <= work.now
