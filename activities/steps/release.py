"""The release of a number whose hold or reservation is over (Rules 10.2, 10.3)."""

from activities.asked_step import Asked, take_number_step
from core.domain import numbers
from core.domain.events import Event
from core.domain.numbers import Happened, Number
from core.domain.steps import Step, StepKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def release(work: Work, asked: Asked) -> StepResult | None:
    """The number is free for every account."""
    return take_number_step(work, asked, StepKind.RELEASE, _release)


def _release(work: Work, number: Number, step: Step) -> None:
    work.event(
        Event.NUMBER_RELEASED,
        step.rule,
        subscription=number.subscription,
        number=number.number,
        why=step.why,
    )
    work.save_number(numbers.release(number, work.today), Happened.RELEASED)
