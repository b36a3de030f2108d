"""Runs roles of workers in a process, from its start to its last signal."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import text
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from doors.application import logs
from doors.application.perennial import Perennial
from doors.commandline import connection, documents_run, mail_run
from doors.commandline.exit_codes import Unavailable
from doors.service.every_seller import every_seller
from doors.service.messages import Messages
from doors.service.relay import Relay
from doors.service.workers import ROLES, running
from settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from doors.http.server import Listening

ALL_ROLES = (*ROLES, "relay", "messages")
"""The roles that `all` stands for."""
API, CONSOLE = "api", "console"
SERVING = (API, CONSOLE)
"""The roles that serve HTTP. Each opens a port, so it is always named by itself."""

log = structlog.get_logger()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The event loop of a process of workers: uvloop, where it is installed (not on Windows).

    A renewal then costs 7 % less CPU of the worker (bench/RESULTS.md).
    """
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def run_roles(roles: Sequence[str], config: Settings) -> None:
    """Run roles until SIGTERM or ctrl-C, then let them finish their work.

    Raises `Unavailable` when the system is not available at the start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _set_up_temporal_core(config)
    _warn_of_simulated_gateway(config)
    if "messages" in roles:
        mail_run.check_texts(config)
    if {"messages", API, CONSOLE} & set(roles):
        documents_run.check_templates(config)
    serving = {role: _address(role, config) for role in SERVING if role in roles}
    async with connection.perennial(config) as opened:
        perennial = every_seller(opened)
        await asyncio.to_thread(_require_tables, perennial)
        async with AsyncExitStack() as stack:
            hosted = [role for role in roles if role in ROLES]
            await stack.enter_async_context(running(hosted, perennial, config))
            if at := serving.get(API):
                await stack.enter_async_context(_api(perennial, at))
            if at := serving.get(CONSOLE):
                await stack.enter_async_context(_console(perennial, at))
            relay = _start_relay(perennial) if "relay" in roles else None
            messages = _start_messages(perennial) if "messages" in roles else None
            log.info(
                "ready",
                roles=list(roles),
                task_queue=config.task_queue,
                namespace=config.temporal_namespace,
                metrics_port=config.metrics_port,
            )
            await stop.wait()
            log.info("draining", seconds=config.shutdown_seconds)
            if relay is not None:
                relay.cancel()
            if messages is not None:
                await _end(messages)
    log.info("stopped")


def _address(role: str, config: Settings) -> "Listening":
    """Hold the address of a role that serves, before anything starts that would have to stop."""
    from doors.http.server import AddressInUse, listen  # It loads much that workers do not need.

    host, port = {
        API: (config.api_host, config.api_port),
        CONSOLE: (config.console_host, config.console_port),
    }[role]
    try:
        return listen(role, host, port, config.shutdown_seconds)
    except AddressInUse as error:
        raise Unavailable(str(error)) from None


@asynccontextmanager
async def _api(perennial: Perennial, at: "Listening") -> AsyncIterator[None]:
    from doors.http.application import application
    from doors.http.imports import remove_left_over

    await asyncio.to_thread(remove_left_over)
    app = application(perennial)
    async with _serving(app, at, app.state.streams.ending.set):
        yield


@asynccontextmanager
async def _console(perennial: Perennial, at: "Listening") -> AsyncIterator[None]:
    from doors.console.application import application

    async with _serving(application(perennial), at):
        yield


@asynccontextmanager
async def _serving(
    app: "ASGIApp", at: "Listening", ending: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    from doors.http.server import serving

    gc.collect()
    gc.freeze()  # What is loaded by now stays. A request need not wait until it is searched.
    async with serving(app, at, ending):
        yield


def _start_relay(perennial: Perennial) -> asyncio.Task[None]:
    return asyncio.create_task(Relay(perennial).run(asyncio.sleep))


def _start_messages(perennial: Perennial) -> asyncio.Task[None]:
    return asyncio.create_task(Messages(perennial.ledger, perennial.config).run(asyncio.sleep))


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has put its work down."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _warn_of_simulated_gateway(config: Settings) -> None:
    """A real database with simulated cards is most likely a mistake: no customer is charged."""
    if config.database_url is not None and config.card_gateway == "simulated":
        log.warning(
            "card_gateway_is_simulated",
            setting="PERENNIAL_CARD_GATEWAY",
            effect="no real card is charged, and renewals by card are free",
        )


def _set_up_temporal_core(config: Settings) -> None:
    """Let the core of Temporal's SDK log as we do, and serve its metrics if a port is set.

    Raises `Unavailable` when the metrics cannot be served.
    """
    port, metrics = config.metrics_port, None
    if port is not None:
        metrics = PrometheusConfig(bind_address=f"{config.metrics_host}:{port}")
    telemetry = TelemetryConfig(logging=logs.temporal_core(), metrics=metrics)
    try:
        Runtime.set_default(Runtime(telemetry=telemetry), error_if_already_set=port is not None)
    except (RuntimeError, ValueError) as error:
        raise Unavailable(
            f"The metrics cannot be served on port {port}: {error}\n"
            "Another worker may use it. PERENNIAL_METRICS_PORT sets the port."
        ) from None


def _require_tables(perennial: Perennial) -> None:
    """Raise an error of SQLAlchemy unless PostgreSQL accepts us and has the tables."""
    with perennial.ledger.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM subscriptions LIMIT 1"))
