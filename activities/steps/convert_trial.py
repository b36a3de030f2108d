"""The end of a trial under the policy `convert`: its first cycle is charged (Rules 4.3, 13).

convert_trial ── another step of the account is due before ──> not yet
  ├───── wallet covers the first cycle ──────────────────────> converted
  ├───── card is needed: charge, then convert_trial again ───> converted, or declined: EXPIRED
  └───── not funded, or the account is suspended ────────────> EXPIRED
"""

from activities.asked_step import Asked, due_step, not_yet
from activities.payments import Paid, first_cycle, pay
from activities.step_funding import fund
from core.domain import trial
from core.domain.events import Event
from core.domain.fees import cost_of
from core.domain.steps import Step, StepKind
from core.domain.subscription import Failure, Subscription
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Outcome, Snapshot, StepResult


def convert_trial(work: Work, asked: Asked) -> StepResult | None:
    """Charge the first cycle at today's prices, or mark the trial EXPIRED.

    Returns None when no conversion is due.
    """
    tried, step = work.subscription(asked.subject.id), due_step(work, asked, StepKind.CONVERT_TRIAL)
    if step is None:
        return None
    if before := asked.before([asked.subject]):
        return not_yet(before)
    converted, paid = first_cycle(work, tried)
    funded = fund(work, asked, [tried], paid.fee, cost_of(paid.lines))
    if isinstance(funded, StepResult):
        return funded
    if funded is None:
        snapshot = _convert(work, tried, step, converted, paid)
    else:
        snapshot = _fail(work, tried, step, funded)
    return StepResult(outcome=Outcome.DONE, snapshot=snapshot)


def _convert(
    work: Work, tried: Subscription, step: Step, converted: Subscription, paid: Paid
) -> Snapshot:
    pay(
        work,
        converted,
        [paid],
        purpose=Purpose.NEXT_CYCLE,
        cycle=tried.expiry,
        event=Event.CONVERTED,
        rule=step.rule,
    )
    return work.save(converted)


def _fail(work: Work, tried: Subscription, step: Step, failure: Failure) -> Snapshot:
    work.event(Event.EXPIRED, step.rule, subscription=tried.id, reason=failure)
    return work.save(trial.fail(tried, failure, work.zone, work.now))
