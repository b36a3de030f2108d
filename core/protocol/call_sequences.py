"""Which activities a step and a command take, one after the other, as generators: they yield calls and are sent the results.

The workflow drives them with Temporal's activities, the simulator's direct engine with plain calls; so the way of a renewal is written
once. So is the order within an account: who comes too early is told which step is first, takes that, and tries again (Rules 1.6, 1.7).
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from core.domain.commands import SetAccount, Terminate
from core.domain.steps import StepKind, Subject, of_subscription
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
    """An activity by name, and its request. It is tried until it works; with `briefly` not for ever, and its result may be none."""

    activity: str
    request: StepRequest | CommandRequest | ChargeRequest
    briefly: bool = False


#: So many steps of others are taken before one's own; what is due beyond them is not waited for.
MOST_BEFORE = 500


def take(
    kind: StepKind, subscription: str, version: int, now: datetime
) -> Generator[Call, Any, StepResult]:
    """Take the next step of a subscription, whose version this is, and before it what comes first in its account."""
    request = StepRequest(subscription=subscription, version=version, now=now, past=())
    before: list[Snapshot] = []
    while True:
        result = yield from _step(kind, request)
        assert result is not None
        if result.first is None:
            return replace(result, others=(*before, *result.others))
        past = yield from _take_first(result.first, now, request.past or (), before)
        request = replace(request, past=past)


def carry_out(request: CommandRequest) -> Generator[Call, Any, CommandResult]:
    """Carry out a command, before it what is due in its account, and with a card charge in between where it needs one."""
    activity = activity_of(request)
    request = replace(request, past=request.past or ())
    before: list[Snapshot] = []
    while True:
        result: CommandResult = yield Call(activity, request)
        if result.first is not None:
            past = yield from _take_first(result.first, request.now, request.past or (), before)
            request = replace(request, past=past)
        elif result.needs_charge is not None and request.charge is None:
            yield Call("charge", ChargeRequest(key=result.needs_charge))
            request = replace(request, charge=result.needs_charge)
        else:
            return replace(result, snapshots=(*before, *result.snapshots))


def _step(kind: StepKind, request: StepRequest) -> Generator[Call, Any, StepResult | None]:
    """A step by itself. One that is asked for briefly may end early: with no result, or with a charge that was not answered."""
    result: StepResult | None
    match kind:
        case StepKind.EXPIRE | StepKind.END:
            result = yield Call(str(kind), request, request.briefly)
            return result
        case StepKind.RENEW | StepKind.ATTEMPT | StepKind.RETRY:
            return (yield from _renew(request))
        case unreachable:
            assert_never(unreachable)


def _renew(request: StepRequest) -> Generator[Call, Any, StepResult | None]:
    """An attempt to renew, with the card charge that it may need."""
    result: StepResult | None
    while True:
        result = yield Call("renew", request, request.briefly)
        if (
            result is not None
            and result.outcome is Outcome.NEEDS_CARD
            and result.charge is not None
        ):
            if (yield Call("charge", ChargeRequest(key=result.charge), request.briefly)) is None:
                return result
            request = replace(request, charge=result.charge)
            result = yield Call("renew", request, request.briefly)
        if result is not None and result.outcome is Outcome.UNFUNDED:
            result = yield Call("mark_failed", request, request.briefly)
        if result is None or result.outcome is not Outcome.FUNDED:
            return result


def _take_first(
    step: DueStep, now: datetime, past: tuple[Subject, ...], changed: list[Snapshot]
) -> Generator[Call, Any, tuple[Subject, ...] | None]:
    """Take a step that comes before a request; what has changed is added to `changed`. Answers which subscriptions the request goes past from now
    on: a step that does not come to its end (the card gateway does not answer, say) is left to its own workflow, with all that are
    waiting for the same charge. None: it goes past all."""
    request = StepRequest(
        subscription=step.subject.id, version=step.version, now=now, past=past, briefly=True
    )
    result = yield from _step(step.kind, request)
    if result is None or (
        result.first is None and result.snapshot.subscription.version == step.version
    ):
        waiting = result.members if result else ()
        return (*past, step.subject, *map(of_subscription, waiting))
    changed += [result.snapshot, *result.others]
    return past if len(changed) < MOST_BEFORE else None


def activity_of(request: CommandRequest) -> str:
    """The activity that carries out a command: of its name, but for two whose names say more."""
    match request.command:
        case Terminate():
            return "refund"
        case SetAccount():
            return "set_account"
        case command:
            return command.do
