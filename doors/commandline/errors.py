"""What every command of the command line shares: where the system is, how long to wait for it, and how an error is told.

Exit codes: 0 done, 1 refused by a rule, 2 bad input or usage, 3 the system is not available, 130 interrupted. An error says what happened,
where, and what to do; never a trace (`PERENNIAL_LOG_LEVEL=DEBUG` adds it).
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode

from core.domain.commands import AnyCommand
from core.domain.commands.purchase import Purchase
from core.domain.faults import Faults
from core.domain.refusal import Refused
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import CommandResult
from doors.application.perennial import Perennial
from doors.queries.reading import NotFound
from local import stack
from local.errors import StackError
from settings import Settings, SettingsError, read_settings

#: Seconds that a command waits for its outcome, a connection for its server, and a query for its workflow.
PATIENCE, CONNECTING, QUERYING = 30.0, 10.0, 5.0

R = TypeVar("R")


class Code(IntEnum):
    """How a command of the command line ends."""

    DONE = 0
    REFUSED = 1
    BAD_INPUT = 2
    AWAY = 3
    INTERRUPTED = 130


class Ended(Exception):
    """Ends the program with a message and a code."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code


class Away(Ended):
    """The system, or a part of it, does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Code.AWAY)


@dataclass(frozen=True, slots=True)
class Poller:
    """A worker process that asks for tasks: its identity (process@machine) and when it last asked (UTC)."""

    identity: str
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Role:
    """A role of workers, its task queue, and who serves it."""

    role: str
    queue: str
    pollers: list[Poller]


# telling errors -------------------------------------------------------------------------------------------------------


@contextmanager
def explained() -> Iterator[None]:
    """Turn everything that can go wrong into `Ended`, with one clear message."""
    try:
        yield
    except Ended:
        raise
    except Refused as refused:
        raise Ended(f"Refused: {refused.refusal}", Code.REFUSED) from None
    except NotFound as error:
        raise Ended(f"Refused: {error} (rule 4.1)", Code.REFUSED) from None
    except Faults as faults:
        raise Ended(str(faults), Code.BAD_INPUT) from None
    except SettingsError as error:
        raise Ended(
            f"The settings cannot be used:\n{error}\n.env.example describes each.", Code.BAD_INPUT
        ) from None
    except StackError as error:
        code = Code.INTERRUPTED if error.exit_code == Code.INTERRUPTED else Code.AWAY
        raise Ended(str(error), code) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Ended("Interrupted.", Code.INTERRUPTED) from None
    except Exception as error:
        raise _told(error) from None


def _told(error: Exception) -> Ended:
    if isinstance(error, ProgrammingError) and "UndefinedTable" in type(error.orig).__name__:
        return Away(
            "The database has no tables of this version of Perennial yet.\nMake them with `starter.py migrate`."
        )
    if isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return Away(
            f"PostgreSQL does not answer: {_first_line(error.orig)}\nLook at it with `starter.py stack status`."
        )
    if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
        return Away(
            f"Temporal does not know of it: {error.message}\n`starter.py reconcile` finds what is missing and starts it again."
        )
    if isinstance(error, RPCError | RPCTimeoutOrCancelledError | TimeoutError):
        return Away(
            f"Temporal does not answer: {_first_line(error) or 'it took too long'}\nLook at it with `starter.py stack status`."
        )
    if isinstance(error, SQLAlchemyError):
        error = getattr(error, "orig", None) or error
    return Ended(
        f"Perennial met an error of its own: {type(error).__name__}: {_first_line(error)}\n"
        "Please report it; PERENNIAL_LOG_LEVEL=DEBUG shows where it happened.",
        Code.AWAY,
    )


def _first_line(error: object) -> str:
    if isinstance(cause := getattr(error, "__cause__", None), Exception) and not str(error):
        error = cause
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def quiet(config: Settings | None = None) -> None:
    """What a command says is its result, and its errors: no logs besides, but with PERENNIAL_LOG_LEVEL=DEBUG, on stderr."""
    level = logging.DEBUG if config and config.log_level == "DEBUG" else logging.CRITICAL
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    if level != logging.DEBUG:
        _quiet_core()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@lru_cache(maxsize=1)
def _quiet_core() -> None:
    """The core of the SDK logs by itself: what matters of it comes as an exception. Once a process; a runtime that is there stays."""
    telemetry = TelemetryConfig(
        logging=LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    )
    with suppress(RuntimeError):
        Runtime.set_default(Runtime(telemetry=telemetry))


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine from the command line; ctrl-C cancels it and waits until it has let go of everything."""
    try:
        return asyncio.run(_interruptible(work))
    except Exception:
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            traceback.print_exc(file=sys.stderr)
        raise


async def _interruptible(work: Coroutine[Any, Any, R]) -> R:
    """What is interrupted is no error of the server's, whatever the error that the interruption has led to."""
    try:
        return await work
    except Exception as error:
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            raise
        if isinstance(error, Ended):
            raise Ended(f"Interrupted. {error}", Code.INTERRUPTED) from None
        raise asyncio.CancelledError from None


# reaching the system --------------------------------------------------------------------------------------------------


def configured() -> Settings:
    """The settings, read anew, with logs out of the way."""
    config = read_settings()
    quiet(config)
    return config


@contextmanager
def ledger(config: Settings | None = None) -> Iterator[Ledger]:
    """The database alone: what is read needs no worker and no Temporal server."""
    config = config or configured()
    url = config.database_url or stack.addresses(config).database_url
    opened = Ledger(connect(url, pool_size=2), config.seller)
    try:
        yield opened
    finally:
        opened.engine.dispose()


@asynccontextmanager
async def perennial(config: Settings | None = None) -> AsyncIterator[Perennial]:
    """The whole system. Raises `Away` when Temporal cannot be reached."""
    config = config or configured()
    addresses = stack.addresses(config)
    opening = Perennial.connect(addresses.database_url, addresses.temporal_address, config)
    try:
        async with asyncio.timeout(CONNECTING):
            opened = await opening.__aenter__()
    except (RuntimeError, TimeoutError) as error:
        raise Away(
            f"Temporal at {addresses.temporal_address} does not answer: {_first_line(error) or 'no answer in time'}\n"
            "Look at it with `starter.py stack status`."
        ) from None
    try:
        yield opened
    finally:
        await opening.__aexit__(None, None, None)


async def carry_out(perennial: Perennial, config: Settings, command: AnyCommand) -> CommandResult:
    """Carry out a command, or say clearly that nobody answers and how to find out what became of it."""
    if not isinstance(command, Purchase):
        await require_workers(perennial, config)
    try:
        async with asyncio.timeout(PATIENCE):
            return await perennial.do(command)
    except (
        TimeoutError,
        RPCError,
        RPCTimeoutOrCancelledError,
        WorkflowUpdateFailedError,
        OperationalError,
        InterfaceError,
    ) as error:
        reason = (
            f"no answer within {PATIENCE:.0f} seconds"
            if isinstance(error, TimeoutError)
            else _first_line(error)
        )
        raise Away(
            f"The outcome of {command.do} is not known: {reason}.\n"
            "Do the workers run (`starter.py worker status`)? It may still be carried out.\n"
            f"Repeat it with --request-id {_typed(command)}: what was done is not done again, and you see what became of it."
        ) from None


async def require_workers(perennial: Perennial, config: Settings) -> None:
    missing = [
        role.role
        for role in await workers(perennial, config)
        if not role.pollers and role.role != "charge"
    ]
    if missing:
        raise Away(
            f"No worker answers for {' and '.join(missing)} on task queue {config.task_queue}: nothing was done.\n"
            "Start the workers (`python worker.py all`), then give the command again."
        )


async def workers(perennial: Perennial, config: Settings) -> list[Role]:
    """Who serves the task queues. Temporal remembers a worker for five minutes after it last asked."""
    return [
        await _role(
            perennial, "workflows", config.task_queue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        ),
        await _role(
            perennial, "activities", config.task_queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        ),
        await _role(
            perennial, "charge", config.charge_task_queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        ),
    ]


async def _role(
    perennial: Perennial, role: str, queue: str, kind: "TaskQueueType.ValueType"
) -> Role:
    request = DescribeTaskQueueRequest(
        namespace=perennial.temporal.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=kind,
    )
    async with asyncio.timeout(CONNECTING):
        answer = await perennial.temporal.workflow_service.describe_task_queue(request)
    found = [
        Poller(poller.identity, poller.last_access_time.ToDatetime()) for poller in answer.pollers
    ]
    return Role(role, queue, found)


async def asked(perennial: Perennial, question: Coroutine[Any, Any, R]) -> R | None:
    """The answer of a workflow to a query; none when it is not there or nobody answers for it in time."""
    try:
        async with asyncio.timeout(QUERYING):
            return await question
    except (
        TimeoutError,
        RPCError,
        RPCTimeoutOrCancelledError,
        WorkflowQueryFailedError,
        WorkflowQueryRejectedError,
    ):
        return None


def _typed(command: AnyCommand) -> str:
    """The request id as it was typed: one call that gives several commands has lengthened it for each."""
    subscription = getattr(command, "subscription", "")
    return (command.request_id or "").removesuffix("/switch").removesuffix(f"/{subscription}")
