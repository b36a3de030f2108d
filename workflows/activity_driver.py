"""Runs the calls of `core.protocol.call_sequences` as Temporal activities.

Owns the queues, timeouts, priorities and retries. Expected refusals are results. An activity that
raises is retried until it works, because its step is due whatever is broken. Only a command that
can never work is given up at once: its sender gets the fault, and no other work waits for it.

A brief call holds up something else. It times out after 10 s (card gateway) or after three activity
timeouts. Any other card charge has those 10 s as soon as a command waits.
"""

from collections.abc import Callable, Generator
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


PERSON, HERD = Priority(priority_key=1), Priority(priority_key=4)
"""The priority of what a person waits for, and of what happens by itself."""

_AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
#: What a command raises that can never work, such as a naive instant. An outage raises none of it.
_UNLESS_SENSELESS = replace(
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
#: A brief call does not wait for another charge of the account.
_UNLESS_BUSY = replace(_AGAIN, non_retryable_error_types=["AccountBusy"])
#: After a day a charge of unknown outcome counts as unfunded. Reconciliation settles it later.
_LONGEST_CHARGE = timedelta(days=1)
_BRIEF_CHARGE = timedelta(seconds=10)
_WORKERS_LOST = 3


def _nobody_waits() -> bool:
    return False


async def drive(
    protocol: Generator[Call, Any, T],
    options: Options,
    priority: Priority,
    hurry: Callable[[], bool] = _nobody_waits,
) -> T:
    """Run a sequence of calls. Raises `FailureError` for what can never work.

    `hurry`: whether a command waits for the sequence to end. Default: none does.
    """
    driver = _Driver(options, priority, hurry)
    try:
        call = next(protocol)
        while True:
            call = protocol.send(await driver.run(call))
    except StopIteration as stop:
        result: T = stop.value
        return result


@dataclass(frozen=True, slots=True)
class _Driver:
    """Runs the calls of one sequence."""

    options: Options
    priority: Priority
    hurry: Callable[[], bool]

    async def run(self, call: Call) -> Any:
        try:
            match call.request:
                case ChargeRequest():
                    return await self._charge(call, call.request)
                case StepRequest():
                    return await self._step(call, call.request)
                case CommandRequest():
                    return await self._activity(call, CommandResult, _UNLESS_SENSELESS)
        except FailureError as error:
            if not call.briefly:
                raise
            workflow.logger.warning(
                "%s has timed out, and its caller goes on: %s", call.activity, error.cause or error
            )
            return None

    async def _step(self, call: Call, request: StepRequest) -> Any:
        if self.options.renew_locally and call.activity == StepKind.RENEW and not request.charge:
            try:
                return await workflow.execute_local_activity(
                    call.activity,
                    request,
                    result_type=StepResult,
                    schedule_to_close_timeout=timedelta(seconds=10),
                    retry_policy=_LOCALLY,
                )
            except FailureError:  # A local activity raises its own failure.
                workflow.logger.info(
                    "the renewal did not work as a local activity; it is tried as a regular one"
                )
        lost = timedelta(seconds=_WORKERS_LOST * self.options.activity_seconds)
        if call.briefly:
            return await self._activity(call, StepResult, _UNLESS_BUSY, lost)
        return await self._activity(call, StepResult, _AGAIN)

    async def _charge(self, call: Call, request: ChargeRequest) -> ChargeResult | None:
        """Wait for a card charge. Returns None when something else does not wait for it."""
        within = _BRIEF_CHARGE if call.briefly else _LONGEST_CHARGE
        charge = workflow.start_activity(
            call.activity,
            request,
            result_type=ChargeResult,
            task_queue=self.options.charge_queue,
            start_to_close_timeout=timedelta(seconds=self.options.activity_seconds),
            schedule_to_close_timeout=within,
            retry_policy=_AGAIN,
            priority=self.priority,
        )
        if not call.briefly:
            await workflow.wait_condition(lambda: charge.done() or self.hurry())
            if not charge.done() and not await _done_within(charge, _BRIEF_CHARGE):
                charge.cancel()
                return None
        try:
            result: ChargeResult = await charge
            return result
        except ActivityError:
            if call.briefly:
                raise
            return ChargeResult(key=request.key, outcome=ChargeOutcome.PENDING, amount=Decimal(0))

    async def _activity(
        self, call: Call, result: type, retry: RetryPolicy, within: timedelta | None = None
    ) -> Any:
        return await workflow.execute_activity(
            call.activity,
            call.request,
            result_type=result,
            start_to_close_timeout=timedelta(seconds=self.options.activity_seconds),
            schedule_to_close_timeout=within,
            retry_policy=retry,
            priority=self.priority,
        )


async def _done_within(charge: workflow.ActivityHandle[ChargeResult], time: timedelta) -> bool:
    try:
        await workflow.wait_condition(charge.done, timeout=time)
    except TimeoutError:
        return False
    return True
