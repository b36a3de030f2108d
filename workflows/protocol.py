"""Which activities a step and a command take, one after the other, as generators: they yield calls and are sent the results.

The workflow drives them with Temporal's activities, the simulator's direct engine with plain calls; so the way of a renewal is written
once. So is the order within an account: who comes too early is told which step is first, takes that, and tries again (Rules 1.6, 1.7).
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.commands import SetAccount, Terminate
from domain.messages import ChargeRequest, CommandRequest, CommandResult, DueStep, Outcome, Snapshot, StepRequest, StepResult
from domain.planner import Kind


@dataclass(frozen=True, slots=True)
class Call:
    """An activity by name, and its request. It is tried until it works; with `briefly`, for a moment, and its result may be none."""

    activity: str
    request: StepRequest | CommandRequest | ChargeRequest
    briefly: bool = False


def take(kind: Kind, subscription: str, version: int, now: datetime) -> Generator[Call, Any, StepResult]:
    """Take the next step of a subscription, whose version this is, and before it what comes first in its account."""
    request = StepRequest(subscription=subscription, version=version, now=now)
    before: tuple[Snapshot, ...] = ()
    while True:
        result = yield from _step(kind, request)
        assert result is not None
        if result.first is None:
            return replace(result, others=(*before, *result.others))
        changed, past = yield from _take_first(result.first, now, request.past)
        before, request = (*before, *changed), replace(request, past=past)


def carry_out(request: CommandRequest) -> Generator[Call, Any, CommandResult]:
    """Carry out a command, before it what is due in its account, and with a card charge in between where it needs one."""
    activity = activity_of(request)
    before: tuple[Snapshot, ...] = ()
    while True:
        result: CommandResult = yield Call(activity, request)
        if result.first is not None:
            changed, past = yield from _take_first(result.first, request.now, request.past)
            before, request = (*before, *changed), replace(request, past=past)
        elif result.needs_charge is not None and request.charge is None:
            yield Call("charge", ChargeRequest(key=result.needs_charge))
            request = replace(request, charge=result.needs_charge)
        else:
            return replace(result, snapshots=(*before, *result.snapshots))


def _step(kind: Kind, request: StepRequest, briefly: bool = False) -> Generator[Call, Any, StepResult | None]:
    """A step by itself; none when it was tried briefly, and that was not enough."""
    result: StepResult | None
    if kind in (Kind.EXPIRE, Kind.TERMINATE):
        result = yield Call(str(kind), request, briefly)
        return result
    while True:
        result = yield Call("renew", request, briefly)
        if result is not None and result.outcome is Outcome.NEEDS_CARD and result.charge is not None:
            if (yield Call("charge", ChargeRequest(key=result.charge), briefly)) is None:
                return None
            request = replace(request, charge=result.charge)
            result = yield Call("renew", request, briefly)
        if result is not None and result.outcome is Outcome.UNFUNDED:
            result = yield Call("mark_failed", request, briefly)
        if result is None or result.outcome is not Outcome.FUNDED:
            return result


def _take_first(step: DueStep, now: datetime, past: tuple[str, ...]) -> Generator[Call, Any, tuple[tuple[Snapshot, ...], tuple[str, ...]]]:
    """Take a step that comes before a request; answers what has changed, and which subscriptions the request goes past from now on. A step that
    does not come to its end in a moment (the card gateway does not answer, say) is left to its own workflow."""
    result = yield from _step(
        step.kind, StepRequest(subscription=step.subscription, version=step.version, now=now, past=past), briefly=True
    )
    if result is None or (result.first is None and result.snapshot.subscription.version == step.version):
        return (), (*past, step.subscription)
    return (result.snapshot, *result.others), past


def activity_of(request: CommandRequest) -> str:
    """The activity that carries out a command: of its name, but for two whose names say more."""
    match request.command:
        case Terminate():
            return "refund"
        case SetAccount():
            return "set_account"
        case command:
            return command.do
