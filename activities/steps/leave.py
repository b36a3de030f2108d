"""A number that was removed at renewal leaves with the cycle that begins (Rules 9, 10.1, 10.2)."""

from datetime import timedelta

from activities.asked_step import Asked, take_number_step
from core.domain import numbers
from core.domain.numbers import Cause, Number
from core.domain.steps import Step, StepKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def leave(work: Work, asked: Asked) -> StepResult | None:
    """Give the number back. It counts from the first day of the cycle, also when that is late."""
    return take_number_step(work, asked, StepKind.LEAVE, _give_back)


def _give_back(work: Work, number: Number, step: Step) -> None:
    assert number.until is not None
    first_day = number.until + timedelta(days=1)
    after = numbers.give_back(number, Cause.REMOVED, work.policy, first_day, step.due)
    assert after is not None
    work.save_number(*after)
