"""What every step goes through: its charge, its turn, and the function of its kind (Rule 1.7)."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import assert_never

from activities.asked_step import Asked, not_yet, nothing
from activities.card_charges import take_up, take_up_at_home
from activities.steps import Take
from activities.steps_before import Broken, take_before, took_all
from core.domain.steps import Subject, SubjectKind
from core.ledger.account_reading import Unknown
from core.ledger.ledger import Ledger, unless_moved
from core.ledger.unit_of_work import AskedBy, Work
from core.protocol.activity_messages import (
    AccountSnapshot,
    Before,
    Outcome,
    Snapshot,
    StepRequest,
    StepResult,
)


def run_step(take: Take, ledger: Ledger, request: StepRequest) -> StepResult:
    """Run the step that is due for a subject, or take what comes before it.

    `take`: the function of the step in activities/steps/. When the step is no longer due, the
    result says what is next.
    """
    try:
        return unless_moved(lambda: _run(take, ledger, request))
    except Broken as broken:
        return not_yet(broken.before)
    except Unknown:
        if request.subject.kind is not SubjectKind.NUMBER:
            raise
        return StepResult(outcome=Outcome.STALE)  # It has no step any longer.


def _run(take: Take, ledger: Ledger, request: StepRequest) -> StepResult:
    with _work(ledger, request) as work:
        charged = take_up(work, request.charge) if request.charge else None
        asked = Asked(
            subject=request.subject,
            version=request.version,
            past=request.past or (),
            charged=charged,
            briefly=request.briefly,
            before=lambda own: _before(work, request, own),
        )
        result = _take_in_order(take, work, asked)
        result = result or StepResult(outcome=Outcome.STALE, snapshot=_snapshot(work, request))
    if request.charge and charged is None:
        # The owner has changed since the card was asked, so the step has run in another version.
        take_up_at_home(ledger, request.now, request.charge)
    return result


def _take_in_order(take: Take, work: Work, asked: Asked) -> StepResult | None:
    """Take the step, in the transaction that has taken the last of those before it.

    They may have changed what the step does, so it is looked at anew. When the step raises, all of
    them roll back, and each is left to its own workflow or to the relay.
    """
    result = take(work, asked)
    if result is not None and result.before is not None and took_all(result.before):
        return take(work, replace(asked, before=nothing))
    return result


def catch_up(ledger: Ledger, request: StepRequest) -> StepResult:
    """Take what is due of an account. The request's subject is the account."""
    try:
        with ledger.work(request.now, account=request.subject.id) as work:
            before = take_before(work, request.past)
            return not_yet(before) if before else StepResult(outcome=Outcome.DONE)
    except Broken as broken:
        return not_yet(broken.before)


def _before(work: Work, request: StepRequest, own: Collection[Subject]) -> Before | None:
    """What comes before the step. A step whose card was charged waits for nothing."""
    return None if request.charge else take_before(work, request.past, own)


def _work(ledger: Ledger, request: StepRequest) -> AbstractContextManager[Work]:
    id_, asked_by = request.subject.id, AskedBy.ANOTHER if request.briefly else AskedBy.ITS_TIME
    match request.subject.kind:
        case SubjectKind.SUBSCRIPTION:
            return ledger.work(request.now, subscription=id_, asked_by=asked_by)
        case SubjectKind.ACCOUNT:
            return ledger.work(request.now, account=id_, asked_by=asked_by)
        case SubjectKind.NUMBER:
            return ledger.work(request.now, step_of=request.subject, asked_by=asked_by)
        case unreachable:
            assert_never(unreachable)


def _snapshot(work: Work, request: StepRequest) -> Snapshot | AccountSnapshot | None:
    """What the workflow of the subject needs to know. None for a number, which has no workflow."""
    match request.subject.kind:
        case SubjectKind.SUBSCRIPTION:
            return work.snapshot(work.subscription(request.subject.id))
        case SubjectKind.ACCOUNT:
            return work.account_snapshot()
        case SubjectKind.NUMBER:
            return None
        case unreachable:
            assert_never(unreachable)
