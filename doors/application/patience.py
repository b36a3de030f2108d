"""Patience with servers that are away: a call is repeated with growing gaps, up to a limit.

Temporal and PostgreSQL restart, are cut off for a moment, or have no room. None of that is an error
of the caller. Only calls that may run twice are repeated here. Commands have request ids, updates
have one id for all repetitions, and ticks have versions.

After the limit there is one error. `NotAvailable` ends a read. `OutcomeUnknown` ends a command.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import exc
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds of the first gap and of the longest one. A gap is cut at random by up to a half.
SHORTEST_GAP, LONGEST_GAP = 0.05, 2.0

#: Temporal is away, has no room, or has met a workflow between two runs.
_PASSING = frozenset(
    {
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DATA_LOSS,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNKNOWN,
    }
)
#: The run of a workflow has ended before an accepted update was done.
_RUN_ENDED = "AcceptedUpdateCompletedWorkflow"
#: PostgreSQL refuses us. While it connects, psycopg has no code for that, only its words.
_REFUSED = ("authentication failed", "does not exist", "pg_hba.conf", "permission denied")

_ONCE = float("-inf")
_ends: ContextVar[float | None] = ContextVar("ends", default=None)


class NotAvailable(Exception):
    """A server was away for longer than the caller is patient. `reason`: the last error."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not available: {reason}")
        self.reason = reason


class OutcomeUnknown(NotAvailable):
    """A command may or may not have run. Repeated with `request_id`, it does not run twice."""

    def __init__(self, request_id: str, reason: str) -> None:
        super().__init__(reason)
        self.args = (f"outcome unknown, repeat with the same request id {request_id}: {reason}",)
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits for servers that are away.

    `seconds`: the limit. It also ends a call that does not return.
    `now`: the seconds of a clock. Default: the machine's monotonic clock.
    `pause`: waits for a number of seconds. Default: `asyncio.sleep`.
    `chance`: a number from 0 to 1 for the next gap. Default: `random.random`.
    """

    seconds: float
    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    async def call(self, call: Callable[[], Awaitable[R]]) -> R:
        """Make a call, and repeat it while a server is away.

        The call may run twice. Raises `NotAvailable` at the limit, and any other error at once.
        """
        ends, gap = _ends.get(), SHORTEST_GAP
        ends = self.now() + self.seconds if ends is None else ends
        while True:
            reason = f"no response within {self.seconds:g} seconds"
            left = None if ends == _ONCE else ends - self.now()
            try:
                async with asyncio.timeout(left) as limit:
                    return await _cancellable(call)
            except Exception as error:
                if not limit.expired():
                    if not is_passing(error):
                        raise
                    reason = first_line(error) or reason
                wait = gap * (1 - self.chance() / 2)
                if limit.expired() or self.now() + wait >= ends:
                    raise NotAvailable(reason) from error
            await self.pause(wait)
            gap = min(2 * gap, LONGEST_GAP)

    async def in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function that may run twice, off the event loop, as `call` makes a call."""
        return await self.call(lambda: asyncio.to_thread(function, *args, **kwargs))

    @contextmanager
    def one_limit(self) -> Iterator[None]:
        """All calls inside have one limit together, instead of one each."""
        with _until(self.now() + self.seconds if (ends := _ends.get()) is None else ends):
            yield


@contextmanager
def without_patience() -> Iterator[None]:
    """Calls inside are made once, and wait as long as it takes. Their caller comes back itself."""
    with _until(_ONCE):
        yield


@contextmanager
def outcome_of(request_id: str) -> Iterator[None]:
    """Raise `OutcomeUnknown` with this request id instead of `NotAvailable`."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except NotAvailable as error:
        raise OutcomeUnknown(request_id, error.reason) from error.__cause__


def is_passing(error: BaseException) -> bool:
    """Whether an error says that a server is away for now, so that the same call may succeed."""
    match error:
        case NotAvailable() | RPCTimeoutOrCancelledError() | TimeoutError() | ConnectionError():
            return True
        case RPCError():
            return error.status in _PASSING
        case WorkflowUpdateFailedError():
            cause = error.cause
            return isinstance(cause, ApplicationError) and cause.type == _RUN_ENDED
        case exc.OperationalError() | exc.InterfaceError():
            return not any(words in str(error.orig) for words in _REFUSED)
        case exc.DBAPIError():
            return bool(error.connection_invalidated)
        case _:  # Errors that are no DBAPIError. The pool of connections has one for "all in use".
            return isinstance(error, exc.TimeoutError)


def first_line(error: BaseException) -> str:
    """The first line of an error that is not empty, or of its cause."""
    told: object = error
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        told = error.orig
    elif not str(error) and error.__cause__ is not None:
        told = error.__cause__
    return next((line.strip() for line in str(told).splitlines() if line.strip()), "")


async def _cancellable(call: Callable[[], Awaitable[R]]) -> R:
    """Temporal's client turns the cancellation of an update into an error of its own. Turn it back.

    Otherwise ctrl-C would be taken for a server that is away.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await call()
    except RPCTimeoutOrCancelledError:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise


@contextmanager
def _until(ends: float) -> Iterator[None]:
    token = _ends.set(ends)
    try:
        yield
    finally:
        _ends.reset(token)


async def told_in_time(question: Coroutine[Any, Any, R], seconds: float) -> R | None:
    """What a workflow tells, or None when it does not respond within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await question
    except (
        TimeoutError,
        NotAvailable,
        RPCError,
        WorkflowQueryFailedError,
        WorkflowQueryRejectedError,
    ):
        return None
