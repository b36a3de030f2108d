"""Runs the calls of `core.protocol.call_sequences` as Temporal activities.

Owns the queues, timeouts and retries. Expected refusals are results. An activity that raises is
retried until it works, because its step is due whatever is broken. Only a command that can never
work is given up at once: its sender gets the fault, and no other work waits for it.

A brief call blocks another command. It times out after 10 s (card gateway) or after three activity
timeouts.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

from core.domain.steps import StepKind
from core.protocol.activity_messages import (
    ChargeOutcome,
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    StepRequest,
    StepResult,
)
from core.protocol.call_sequences import Call
from core.protocol.workflow_messages import Options

T = TypeVar("T")

_LOCALLY = RetryPolicy(maximum_attempts=1)


@dataclass(frozen=True, slots=True)
class _Way:
    """How an activity is scheduled: its retries, its priority, and its overall timeout."""

    retry: RetryPolicy
    priority: Priority
    within: timedelta | None = None


_AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
#: What a command raises that can never work, such as a naive instant. An outage raises none of it.
_SENSELESS = replace(
    _AGAIN,
    non_retryable_error_types=[
        "ValueError",
        "TypeError",
        "AssertionError",
        "KeyError",
        "OverflowError",
        "InvalidOperation",
        "DataError",
    ],
)
_PERSON, _HERD = Priority(priority_key=1), Priority(priority_key=4)
_COMMAND = _Way(_SENSELESS, _PERSON)
_STEP = _Way(_AGAIN, _HERD)
#: After a day a charge of unknown outcome counts as unfunded. Reconciliation settles it later.
_CHARGE = _Way(_AGAIN, _HERD, timedelta(days=1))
#: A brief call does not wait for another charge of the account.
_BRIEFLY = _Way(replace(_AGAIN, non_retryable_error_types=["AccountBusy"]), _PERSON)
_BRIEF_CHARGE = _Way(_AGAIN, _PERSON, timedelta(seconds=10))
_WORKERS_LOST = 3


async def drive(protocol: Generator[Call, Any, T], options: Options) -> T:
    """Run a sequence of calls. Raises `FailureError` for what can never work."""
    try:
        call = next(protocol)
        while True:
            call = protocol.send(await _run(call, options))
    except StopIteration as stop:
        result: T = stop.value
        return result


async def _run(call: Call, options: Options) -> Any:
    try:
        match call.request:
            case ChargeRequest():
                return await _charge(call, options)
            case StepRequest():
                return await _step(call, options)
            case CommandRequest():
                return await _activity(call, CommandResult, _COMMAND, options)
    except FailureError as error:
        if not call.briefly:
            raise
        workflow.logger.warning(
            "%s has timed out, and its caller goes on: %s", call.activity, error.cause or error
        )
        return None


async def _step(call: Call, options: Options) -> Any:
    if (
        options.renew_locally
        and call.activity == StepKind.RENEW
        and isinstance(call.request, StepRequest)
        and call.request.charge is None
    ):
        try:
            return await workflow.execute_local_activity(
                call.activity,
                call.request,
                result_type=StepResult,
                schedule_to_close_timeout=timedelta(seconds=10),
                retry_policy=_LOCALLY,
            )
        except FailureError:  # A local activity raises its own failure without an ActivityError.
            workflow.logger.info(
                "the renewal did not work as a local activity; it is tried as a regular one"
            )
    lost = timedelta(seconds=_WORKERS_LOST * options.activity_seconds)
    return await _activity(
        call, StepResult, replace(_BRIEFLY, within=lost) if call.briefly else _STEP, options
    )


async def _charge(call: Call, options: Options) -> Any:
    try:
        return await _activity(
            call,
            ChargeResult,
            _BRIEF_CHARGE if call.briefly else _CHARGE,
            options,
            options.charge_queue,
        )
    except ActivityError:
        if call.briefly:
            raise
        assert isinstance(call.request, ChargeRequest)
        return ChargeResult(key=call.request.key, outcome=ChargeOutcome.PENDING, amount=Decimal(0))


async def _activity(
    call: Call, result: type, way: _Way, options: Options, queue: str | None = None
) -> Any:
    return await workflow.execute_activity(
        call.activity,
        call.request,
        result_type=result,
        task_queue=queue,
        start_to_close_timeout=timedelta(seconds=options.activity_seconds),
        schedule_to_close_timeout=way.within,
        retry_policy=way.retry,
        priority=way.priority,
    )
