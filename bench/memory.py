"""The memory that a worker process for workflows needs with thousands of sleeping subscriptions.

It is the resident memory after all workflows have been started, each has planned its next step, and
the worker is idle.
"""

import asyncio
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from temporalio.client import Client

from bench.figures import Figure, Result, Say, at_most
from bench.site import Site, site, worker_program
from core.domain import policy
from core.ledger import stored_terms
from doors.application.perennial import Perennial
from doors.intake import column_mapping as mappings
from doors.intake.customer_import import import_file
from settings import PROJECT, Settings

SUBSCRIPTIONS = 5000
FILE, MAPPING = (
    PROJECT / "examples" / "telco-customers.csv",
    PROJECT / "examples" / "telco-mapping.yaml",
)
_START_SECONDS, _QUIET_SECONDS = 60.0, 3.0


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure with the default cache of workflows.

    Unless `quick`, measure also with a cache that holds all workflows.
    """
    count = 1000 if quick else SUBSCRIPTIONS
    caches = [Settings().workflow_cache, *([] if quick else [SUBSCRIPTIONS])]
    figures = []
    for cache in caches:
        say(f"worker memory: {count} sleeping subscriptions, at most {cache} runs in memory")
        name = f"resident memory: {count:,} sleeping, cache of {cache:,} runs"
        figures.append(Figure(name, await _resident(count, cache) / 2**20, "MiB", at_most(400)))
    return [
        Result(
            "Memory of a worker for workflows",
            figures,
            ("A process `worker.py workflows`. All subscriptions live by the machine's clock.",),
        )
    ]


async def _resident(count: int, cache: int) -> float:
    with site() as here, _worker(here, cache) as process:
        config = Settings()
        async with Perennial.connect(here.database_url, here.temporal_address, config) as perennial:
            with perennial.ledger.engine.begin() as connection:
                stored_terms.add_policy(connection, config.seller, policy.DEFAULT)
            report = await import_file(
                perennial.ledger, FILE, mappings.read(MAPPING), starter=perennial, limit=count
            )
            if report.started != count:
                raise RuntimeError(f"{report.started} of {count} subscriptions were started")
            await _asleep(perennial.temporal, process)
        return float(process.memory_info().rss)


async def _asleep(client: Client, process: psutil.Process) -> None:
    """Wait until the worker is idle. It has used little CPU for some seconds."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        before = sum(process.cpu_times()[:2])
        await asyncio.sleep(_QUIET_SECONDS)
        if sum(process.cpu_times()[:2]) - before < 0.05 * _QUIET_SECONDS:
            return
    raise RuntimeError("the worker is still busy after five minutes")


@contextmanager
def _worker(here: Site, cache: int) -> Iterator[psutil.Process]:
    """Run `worker.py workflows` on a stack, and yield its process when it is ready."""
    with (
        tempfile.TemporaryDirectory() as place,
        (Path(place) / "log").open("wb") as log,
        worker_program(here, "workflows", output=log, workflow_cache=str(cache)) as process,
    ):
        _await_ready(process, Path(log.name))
        yield psutil.Process(process.pid)


def _await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not re.search(r"\bready\b", said := log.read_text()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the worker did not start: {said[-1000:]}")
        time.sleep(0.05)
