"""How the command line reaches the system: settings, database, workflows, workers.

Owns what a command says when its outcome stays unknown.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.client import WorkflowUpdateFailedError
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError

from core.domain.commands import AnyCommand
from core.domain.commands.base import NewSubscriptionCommand
from core.ledger.acting import acting
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import CommandResult
from doors.access.recorded import recorded
from doors.application import logs
from doors.application.patience import OutcomeUnknown, first_line, told_in_time
from doors.application.perennial import Perennial
from doors.application.worker_presence import pollers
from doors.commandline import embedded_stack
from doors.commandline.exit_codes import Unavailable
from settings import Settings, read_settings

#: Seconds that a connection waits for its server, and a query for its workflow.
CONNECTING, QUERYING = 10.0, 5.0

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Poller:
    """A worker process that polls for tasks.

    `identity`: process@machine.
    `last_seen`: when it last polled (UTC).
    """

    identity: str
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Role:
    """A role of workers, its task queue, and the workers that serve it."""

    role: str
    queue: str
    pollers: list[Poller]


def configured() -> Settings:
    """Read the settings anew and switch off logs on the terminal."""
    config = read_settings()
    _quiet(config)
    return config


@contextmanager
def ledger(config: Settings | None = None) -> Iterator[Ledger]:
    """Open the database alone. Reading needs no worker and no Temporal server."""
    config = config or configured()
    opened = Ledger(connect(embedded_stack.database_url(config), pool_size=2), config.seller)
    try:
        yield opened
    finally:
        opened.engine.dispose()


@asynccontextmanager
async def perennial(config: Settings | None = None) -> AsyncIterator[Perennial]:
    """Connect to the whole system. Raises `Unavailable` when Temporal cannot be reached."""
    config = config or configured()
    addresses = embedded_stack.addresses(config)
    opening = Perennial.connect(addresses.database_url, addresses.temporal_address, config)
    try:
        async with asyncio.timeout(CONNECTING):
            opened = await opening.__aenter__()
    except (RuntimeError, TimeoutError) as error:
        reason = first_line(error) or "no response in time"
        raise Unavailable(
            f"Temporal at {addresses.temporal_address} does not respond: {reason}\n"
            "Check it with `starter.py stack status`."
        ) from None
    try:
        yield opened
    finally:
        await opening.__aexit__(None, None, None)


async def carry_out(
    perennial: Perennial, config: Settings, command: AnyCommand, request: str
) -> CommandResult:
    """Run a command.

    `request`: the request id as the person gave it. It may stand for several commands.

    Raises `Unavailable` when the outcome stays unknown. Its message names the request id with
    which the command can be repeated safely.
    """
    if not isinstance(command, NewSubscriptionCommand):
        await require_workers(perennial, config)
    try:
        return await recorded(perennial, command, acting(), lambda: perennial.do(command))
    except (OutcomeUnknown, RPCError, WorkflowUpdateFailedError) as error:
        reason = error.reason if isinstance(error, OutcomeUnknown) else first_line(error)
        raise Unavailable(
            f"The outcome of {command.do} is unknown: {reason}.\n"
            "It may still be carried out. Check the workers with `starter.py worker status`.\n"
            f"Repeat the command with --request-id {request}: it does not run twice, "
            "and you see its outcome."
        ) from None


async def require_workers(perennial: Perennial, config: Settings) -> None:
    """Raise `Unavailable` when no worker serves workflows or activities."""
    missing = [
        role.role
        for role in await workers(perennial, config)
        if not role.pollers and role.role != "charge"
    ]
    if missing:
        raise Unavailable(
            f"No worker serves {' and '.join(missing)} on task queue {config.task_queue}: "
            "nothing was done.\n"
            "Start the workers with `python worker.py all`, then repeat the command."
        )


async def workers(perennial: Perennial, config: Settings) -> list[Role]:
    """Return the roles of workers with the workers that serve them.

    Temporal remembers a worker for five minutes after it last polled.
    """
    workflow_tasks = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    activity_tasks = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    return [
        await _role(perennial, "workflows", config.task_queue, workflow_tasks),
        await _role(perennial, "activities", config.task_queue, activity_tasks),
        await _role(perennial, "charge", config.charge_task_queue, activity_tasks),
    ]


async def query(question: Coroutine[Any, Any, R]) -> R | None:
    """Return a workflow's result of a query, or None when it does not respond in time."""
    return await told_in_time(question, QUERYING)


async def _role(
    perennial: Perennial, role: str, queue: str, kind: "TaskQueueType.ValueType"
) -> Role:
    found = await perennial.patience.call(lambda: pollers(perennial.temporal, queue, kind))
    serving = [Poller(poller.identity, poller.last_access_time.ToDatetime()) for poller in found]
    return Role(role, queue, serving)


def _quiet(config: Settings) -> None:
    """Switch off logs: a command prints its result and its errors.

    `PERENNIAL_LOG_LEVEL=DEBUG` prints logs on stderr.
    """
    if config.log_level == "DEBUG":
        logs.configure(config)
        return
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
    _quiet_temporal_core()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@lru_cache(maxsize=1)
def _quiet_temporal_core() -> None:
    """Let the core of Temporal's SDK log errors only. A runtime that exists already stays."""
    telemetry = TelemetryConfig(
        logging=LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    )
    with suppress(RuntimeError):
        Runtime.set_default(Runtime(telemetry=telemetry))
