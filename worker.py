"""The door for processes: runs the worker roles.

python worker.py all                    everything in one process
python worker.py workflows activities   some roles; in a large installation each has processes of its own
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

import structlog
from sqlalchemy import text
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from doors.application import logs
from doors.application.perennial import Perennial
from doors.commandline import errors
from doors.commandline.process_exit import leaving
from doors.service.relay import Relay
from doors.service.workers import ROLES, running
from settings import Settings, read_settings

DESCRIPTION = """roles:
  workflows    decides what happens when; renewals from the wallet run here
  activities   renews, marks failed, expires, carries out commands, reconciles
  charge       calls the card gateway, at a limited rate
  relay        starts what a crash has left out, sends notices, numbers invoices
  all          all of them in one process

Ends with code 3 and a message when PostgreSQL or Temporal is away at the start; later it waits for them.
SIGTERM or ctrl-C lets it finish what it is doing (PERENNIAL_SHUTDOWN_SECONDS), then it ends."""
ALL = (*ROLES, "relay")

log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the roles that the arguments name, until a signal comes; answers the exit code."""
    parser = argparse.ArgumentParser(
        "worker.py", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "roles",
        nargs="+",
        metavar="ROLE",
        choices=[*ALL, "all"],
        help=f"one or more of {', '.join(ALL)}, or all",
    )
    asked = parser.parse_args(arguments).roles
    roles = [role for role in ALL if role in asked or "all" in asked]
    try:
        with errors.explained():
            config = read_settings()
            logs.configure(config)
            asyncio.run(_work(roles, config))
    except errors.Ended as ended:
        print(ended, file=sys.stderr)
        return int(ended.code)
    return 0


async def _work(roles: Sequence[str], config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if config.metrics_port is not None:
        _serve_metrics(config.metrics_host, config.metrics_port)
    async with errors.perennial(config) as perennial:
        await asyncio.to_thread(_look_at_database, perennial)
        async with running([role for role in roles if role in ROLES], perennial, config):
            relay = (
                asyncio.create_task(Relay(perennial).run(asyncio.sleep))
                if "relay" in roles
                else None
            )
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
    log.info("stopped")


def _serve_metrics(host: str, port: int) -> None:
    metrics = PrometheusConfig(bind_address=f"{host}:{port}")
    try:
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=metrics)))
    except (RuntimeError, ValueError) as error:
        raise errors.Away(
            f"The metrics cannot be served on port {port}: {error}\nIs another worker using it? PERENNIAL_METRICS_PORT sets it."
        ) from None


def _look_at_database(perennial: Perennial) -> None:
    """Whether PostgreSQL lets us in and has our tables."""
    with perennial.ledger.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM subscriptions LIMIT 1"))


if __name__ == "__main__":
    leaving(main)
