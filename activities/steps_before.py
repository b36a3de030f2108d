"""What comes before a step or a command in its account (Rules 1.6, 1.7).

The steps of an account that are due run in order, and they run before a command. The transaction of
a step or a command takes them along, so that a thousand steps of one account need few transactions.
A step that needs a card charge, or that raises, cannot be taken along. The caller runs it by itself
(`core.protocol.call_sequences`).
"""

from collections.abc import Collection
from dataclasses import replace

import structlog
from sqlalchemy.exc import OperationalError

from activities.steps import take_along
from core.domain.policy import GroupRenewal
from core.domain.steps import StepKind, Subject
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Before, DueStep, Passed

log = structlog.get_logger()

AT_MOST = 100
"""So many steps are taken along in one transaction."""


class Broken(Exception):
    """A step that was taken along has raised, so the transaction is rolled back.

    `before`: what the caller runs by itself.
    """

    def __init__(self, before: Before) -> None:
        super().__init__(before)
        self.before = before


def take_before(
    work: Work, past: Collection[Passed] | None, own: Collection[Subject] = ()
) -> Before | None:
    """Take what comes before, in order. Returns None when nothing comes before.

    A command then commits what was taken, does nothing else, and is asked again. A step goes on in
    the same transaction when all was taken (`took_all`).

    `past`: the steps that do not count. None: no step does.
    `own`: the subjects whose step is to run. When one of them is first, all are. Default: none.

    Raises `Broken` when a step raises.
    """
    if past is None:
        return None
    taken = 0
    while (first := work.first_due(past)) is not None and first.subject not in own:
        if taken == AT_MOST:
            break
        if not _take(work, first):
            return Before(taken=taken, first=_with_those_that_wait(work, first))
        taken += 1
        if taken == 1:
            work.read_due(AT_MOST)
    return Before(taken=taken) if taken else None


def took_all(before: Before) -> bool:
    """Whether nothing more comes before. A transaction that has reached its bound does not know."""
    return before.first is None and before.taken < AT_MOST


def _take(work: Work, step: DueStep) -> bool:
    try:
        if not take_along(work, step):
            return False
        work.flush()
    except OperationalError:
        raise  # The database is away, or it has chosen this transaction to end a deadlock.
    except Exception as error:
        log.exception("step_cannot_be_taken_along", kind=step.kind, subject=step.subject.id)
        raise Broken(Before(first=step)) from error
    return True


def _with_those_that_wait(work: Work, step: DueStep) -> DueStep:
    """The step, with its renewal date only if the others of that date wait for the same charge."""
    alone = work.policy.group_renewal is GroupRenewal.INDEPENDENT or step.kind is StepKind.ATTEMPT
    return replace(step, by_date=None) if alone else step
