"""The reminder that the hold or the reservation of a number ends soon (Rules 10.2, 10.3, 12)."""

from activities.asked_step import Asked, take_number_step
from core.domain import numbers
from core.domain.events import Event
from core.domain.numbers import Number
from core.domain.steps import Step, StepKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def remind(work: Work, asked: Asked) -> StepResult | None:
    """Tell the customer. A reminder that is too late is left out (Rule 13)."""
    return take_number_step(work, asked, StepKind.REMIND, _remind)


def _remind(work: Work, number: Number, step: Step) -> None:
    if numbers.reminder_is_true(number, work.zone, work.now):
        work.event(
            Event.NUMBER_HOLD_ENDING,
            step.rule,
            subscription=number.subscription,
            number=number.number,
            until=number.until,
        )
    work.plan_number(number)
