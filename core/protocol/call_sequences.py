"""Which activities a step and a command run, one after the other.

The sequences are generators: they yield calls and are sent the results. The workflow runs the
calls as Temporal activities, the simulator's direct engine as plain calls. So the way of a renewal
is written once. So is the order within an account: a step or command that comes too early is told
which step is first. The generator runs that step, then tries again (Rules 1.6, 1.7).
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.domain.steps import RENEWALS, StepKind, Subject, of_subscription
from core.protocol.activity_messages import (
    ChargeRequest,
    CommandRequest,
    CommandResult,
    DueStep,
    Outcome,
    Snapshot,
    StepRequest,
    StepResult,
)


@dataclass(frozen=True, slots=True)
class Call:
    """An activity by name, and its request.

    The driver retries it until it works. A call with `briefly` has a timeout; its result may be
    None.
    """

    activity: str
    request: StepRequest | CommandRequest | ChargeRequest
    briefly: bool = False


_RENEW = StepKind.RENEW.value
"""The activity of every attempt to renew."""
MOST_BEFORE = 500
"""A step or command runs so many steps of others first. It skips what is due beyond them."""


def run_step(
    kind: StepKind, subject: Subject, version: int, now: datetime
) -> Generator[Call, Any, StepResult]:
    """Run the next step of a subject in this version, after what comes first in its account.

    `now`: the business instant (UTC).
    """
    request = StepRequest(subject=subject, version=version, now=now, past=())
    before: list[Snapshot] = []
    while True:
        result = yield from _step(kind, request)
        assert result is not None
        if result.first is None:
            return replace(result, others=(*before, *result.others))
        past = yield from _run_first(result.first, now, request.past or (), before)
        request = replace(request, past=past)


def carry_out(request: CommandRequest) -> Generator[Call, Any, CommandResult]:
    """Carry out a command, after what is due in its account.

    It makes a card charge if the command needs one. The activity has the command's name.
    """
    request = replace(request, past=request.past or ())
    before: list[Snapshot] = []
    while True:
        result: CommandResult = yield Call(request.command.do, request)
        if result.first is not None:
            past = yield from _run_first(result.first, request.now, request.past or (), before)
            request = replace(request, past=past)
        elif result.needs_charge is not None and request.charge is None:
            yield Call("charge", ChargeRequest(key=result.needs_charge))
            request = replace(request, charge=result.needs_charge)
        else:
            return replace(result, snapshots=(*before, *result.snapshots))


def _step(kind: StepKind, request: StepRequest) -> Generator[Call, Any, StepResult | None]:
    """A step by itself: an attempt to renew, or else the activity that has the name of the kind.

    A brief one may end early: without a result, or with a charge that was not made.
    """
    if kind in RENEWALS:
        return (yield from _renewal(request))
    result: StepResult | None = yield Call(str(kind), request, request.briefly)
    return result


def _renewal(request: StepRequest) -> Generator[Call, Any, StepResult | None]:
    """An attempt to renew: by the wallet, by the card, or else marked failed."""
    while True:
        result: StepResult | None = yield Call(_RENEW, request, request.briefly)
        if (
            result is not None
            and result.outcome is Outcome.NEEDS_CARD
            and result.charge is not None
        ):
            if (yield Call("charge", ChargeRequest(key=result.charge), request.briefly)) is None:
                return result
            request = replace(request, charge=result.charge)
            result = yield Call(_RENEW, request, request.briefly)
        if result is not None and result.outcome is Outcome.UNFUNDED:
            result = yield Call("mark_failed", request, request.briefly)
        if result is None or result.outcome is not Outcome.FUNDED:
            return result


def _run_first(
    step: DueStep, now: datetime, past: tuple[Subject, ...], changed: list[Snapshot]
) -> Generator[Call, Any, tuple[Subject, ...] | None]:
    """Run a step that comes before a request. What has changed is added to `changed`.

    Returns the subjects whose due steps the request skips from now on. A step that does not end is
    left to its own workflow, with all that wait for the same charge. That happens when the card
    gateway does not reply. None: the request skips all due steps.
    """
    # Another worker runs it, whose clock may be behind the one that has found it due.
    request = StepRequest(
        subject=step.subject,
        version=step.version,
        now=max(now, step.due),
        past=past,
        briefly=True,
    )
    result = yield from _step(step.kind, request)
    if result is None or (result.first is None and result.snapshot.version == step.version):
        waiting = result.members if result else ()
        return (*past, step.subject, *map(of_subscription, waiting))
    mine = [result.snapshot] if isinstance(result.snapshot, Snapshot) else []
    changed += [*mine, *result.others]
    return past if len(changed) < MOST_BEFORE else None
