"""Runs roles of workers in a process, from its start to its last signal."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog
from sqlalchemy import text
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from doors.application.perennial import Perennial
from doors.commandline import connection, mail_run
from doors.commandline.exit_codes import Unavailable
from doors.service.messages import Messages
from doors.service.relay import Relay
from doors.service.workers import ROLES, running
from settings import Settings

ALL_ROLES = (*ROLES, "relay", "messages")
"""The roles that `all` stands for."""
API = "api"
"""The role that serves the HTTP API. It opens a port, so it is always named by itself."""

log = structlog.get_logger()


async def run_roles(roles: Sequence[str], config: Settings) -> None:
    """Run roles until SIGTERM or ctrl-C, then let them finish their work.

    Raises `Unavailable` when the system is not available at the start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if config.metrics_port is not None:
        _serve_metrics(config.metrics_host, config.metrics_port)
    _warn_of_simulated_gateway(config)
    if "messages" in roles:
        mail_run.check_texts(config)
    async with connection.perennial(config) as perennial:
        await asyncio.to_thread(_require_tables, perennial)
        async with AsyncExitStack() as stack:
            hosted = [role for role in roles if role in ROLES]
            await stack.enter_async_context(running(hosted, perennial, config))
            if API in roles:
                await stack.enter_async_context(_api(perennial, config))
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


@asynccontextmanager
async def _api(perennial: Perennial, config: Settings) -> AsyncIterator[None]:
    from doors.http.server import AddressInUse, serving  # It loads much that workers do not need.

    try:
        async with serving(perennial, config):
            yield
    except AddressInUse as error:
        raise Unavailable(str(error)) from None


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


def _serve_metrics(host: str, port: int) -> None:
    metrics = PrometheusConfig(bind_address=f"{host}:{port}")
    try:
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=metrics)))
    except (RuntimeError, ValueError) as error:
        raise Unavailable(
            f"The metrics cannot be served on port {port}: {error}\n"
            "Another worker may use it. PERENNIAL_METRICS_PORT sets the port."
        ) from None


def _require_tables(perennial: Perennial) -> None:
    """Raise an error of SQLAlchemy unless PostgreSQL accepts us and has the tables."""
    with perennial.ledger.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM subscriptions LIMIT 1"))
