"""What happens by itself. The function of a step has the name of its file.

An attempt to renew runs `renew`. Every other kind of step runs the function of its name. This
module finds the files, and fails when one is missing.
"""

import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module

from activities.asked_step import Asked
from activities.card_charges import AccountBusy
from core.domain.steps import RENEWALS, StepKind, SubjectKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import DueStep, Outcome, StepResult

Take = Callable[[Work, Asked], StepResult | None]


def activity_of(kind: StepKind) -> str:
    """The name of the function, and of the activity, that takes steps of a kind."""
    return StepKind.RENEW.value if kind in RENEWALS else kind.value


def _find() -> dict[str, Take]:
    names = {activity_of(kind) for kind in StepKind}
    files = {file.name for file in pkgutil.iter_modules(__path__)}
    if names != files:
        differing = ", ".join(sorted(names ^ files))
        raise ImportError(f"every kind of step needs its file; missing or not a step: {differing}")
    return {name: getattr(import_module(f"{__name__}.{name}"), name) for name in sorted(names)}


STEPS: Mapping[str, Take] = _find()
"""The function of each step, by the name of its activity."""


def take_along(work: Work, step: DueStep) -> bool:
    """Take a step that is due before another one. Returns whether it could be taken.

    It cannot when it needs a card charge.
    """
    asked = Asked(subject=step.subject, version=step.version, along=True)
    result = STEPS[activity_of(step.kind)](work, asked)
    return result is not None and result.outcome is Outcome.DONE


def card_charge_of(work: Work, asked: Asked) -> str | None:
    """The key of the card charge that a step needs. None when it needs none.

    What the step writes is for the caller to roll back.
    """
    if asked.subject.kind is SubjectKind.ACCOUNT:
        step = work.account_step()
    else:
        step = work.step_of(work.subscription(asked.subject.id))
    if step is None:
        return None
    try:
        result = STEPS[activity_of(step.kind)](work, asked)
    except AccountBusy:
        return None
    return result.charge if result else None
