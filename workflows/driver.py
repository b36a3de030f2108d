"""Runs the calls of `workflows.protocol` as Temporal activities: one place for queues, time-outs and retries.

Expected refusals are results; an activity that raises is tried again until it works, because what it does is due whatever is broken.
Only a command that makes no sense is given up at once: its sender is there to be told, and nothing waits behind it.
"""

from collections.abc import Generator
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

from domain.messages import ChargeOutcome, ChargeRequest, ChargeResult, CommandRequest, CommandResult, StepRequest, StepResult
from workflows.messages import Options
from workflows.protocol import Call

T = TypeVar("T")

_AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
#: What a command of no sense raises (a naive instant, a NUL in a text, a number beyond all columns); never what an outage raises.
_SENSELESS = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=1),
    non_retryable_error_types=["ValueError", "TypeError", "AssertionError", "KeyError", "OverflowError", "InvalidOperation", "DataError"],
)
_LOCALLY = RetryPolicy(maximum_attempts=1)
#: After this a charge whose outcome nobody can tell counts as unfunded; reconciliation finds out what became of it.
_CHARGE_DEADLINE = timedelta(days=1)
_PERSON, _HERD = Priority(priority_key=1), Priority(priority_key=4)


async def drive(protocol: Generator[Call, Any, T], options: Options) -> T:
    """Carry out a protocol, call by call. Raises `FailureError` for what can never work."""
    try:
        call = next(protocol)
        while True:
            call = protocol.send(await _run(call, options))
    except StopIteration as stop:
        result: T = stop.value
        return result


async def _run(call: Call, options: Options) -> Any:
    match call.request:
        case ChargeRequest():
            return await _charge(call.request, options)
        case StepRequest():
            if options.renew_locally and call.activity == "renew" and call.request.charge is None:
                try:
                    return await workflow.execute_local_activity(
                        call.activity,
                        call.request,
                        result_type=StepResult,
                        schedule_to_close_timeout=timedelta(seconds=10),
                        retry_policy=_LOCALLY,
                    )
                except FailureError:  # a local activity raises its own failure, not an ActivityError around it
                    workflow.logger.info("the renewal did not work as a local activity; it is tried as a regular one")
            return await _regular(call.activity, call.request, StepResult, _AGAIN, _HERD, options)
        case CommandRequest():
            return await _regular(call.activity, call.request, CommandResult, _SENSELESS, _PERSON, options)


async def _regular(
    activity: str, request: StepRequest | CommandRequest, result: type, retry: RetryPolicy, priority: Priority, options: Options
) -> Any:
    lost = timedelta(seconds=options.activity_seconds)
    return await workflow.execute_activity(
        activity, request, result_type=result, start_to_close_timeout=lost, retry_policy=retry, priority=priority
    )


async def _charge(request: ChargeRequest, options: Options) -> ChargeResult:
    try:
        return await workflow.execute_activity(  # type: ignore[no-any-return]
            "charge", request, result_type=ChargeResult, task_queue=options.charge_queue,
            start_to_close_timeout=timedelta(seconds=options.activity_seconds), schedule_to_close_timeout=_CHARGE_DEADLINE, retry_policy=_AGAIN, priority=_HERD,
        )  # fmt: skip
    except ActivityError:
        return ChargeResult(key=request.key, outcome=ChargeOutcome.PENDING, amount=Decimal(0))
