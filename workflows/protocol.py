"""Which activities a step and a command take, one after the other, as generators: they yield calls and are sent the results.

The workflow drives them with Temporal's activities, the simulator's direct engine with plain calls; so the way of a renewal is written
once.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.commands import SetAccount, Terminate
from domain.messages import ChargeRequest, CommandRequest, CommandResult, Outcome, StepRequest, StepResult
from domain.planner import Kind


@dataclass(frozen=True, slots=True)
class Call:
    """An activity by name, and its request."""

    activity: str
    request: StepRequest | CommandRequest | ChargeRequest


def take(kind: Kind, subscription: str, version: int, now: datetime) -> Generator[Call, Any, StepResult]:
    """Take the next step of a subscription, whose version this is."""
    request = StepRequest(subscription=subscription, version=version, now=now)
    if kind in (Kind.EXPIRE, Kind.TERMINATE):
        result: StepResult = yield Call(str(kind), request)
        return result
    while True:
        result = yield Call("renew", request)
        if result.outcome is Outcome.NEEDS_CARD and result.charge is not None:
            yield Call("charge", ChargeRequest(key=result.charge))
            request = replace(request, charge=result.charge)
            result = yield Call("renew", request)
        if result.outcome is Outcome.UNFUNDED:
            result = yield Call("mark_failed", request)
        if result.outcome is not Outcome.FUNDED:
            return result


def carry_out(request: CommandRequest) -> Generator[Call, Any, CommandResult]:
    """Carry out a command, with a card charge in between where it needs one."""
    activity = activity_of(request)
    result: CommandResult = yield Call(activity, request)
    if result.needs_charge is not None:
        yield Call("charge", ChargeRequest(key=result.needs_charge))
        result = yield Call(activity, replace(request, charge=result.needs_charge))
    return result


def activity_of(request: CommandRequest) -> str:
    """The activity that carries out a command: of its name, but for two whose names say more."""
    match request.command:
        case Terminate():
            return "refund"
        case SetAccount():
            return "set_account"
        case command:
            return command.do
