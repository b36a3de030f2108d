"""The rate of an import beside bare workflow starts: the same number, the same concurrency, the same server, one after the other.

A bare start is a workflow without input on a task queue that nobody serves: what the server and the client need at the least. No worker
runs during either.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from doors.application.perennial import Perennial
from doors.intake.column_mapping import ColumnMapping
from doors.intake.customer_import import AT_ONCE, import_file

NOBODY = "perennial-bench-nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRate:
    """How many, and in how many seconds each."""

    customers: int
    import_seconds: float
    bare_seconds: float

    @property
    def imported_per_second(self) -> float:
        """Customers imported, their workflows started."""
        return self.customers / self.import_seconds

    @property
    def started_per_second(self) -> float:
        """Bare workflow starts."""
        return self.customers / self.bare_seconds

    @property
    def ratio(self) -> float:
        """The import's rate as a part of the bare starts'."""
        return self.bare_seconds / self.import_seconds


async def import_rate(
    perennial: Perennial,
    file: Path,
    mapping: ColumnMapping,
    *,
    at_once: int = AT_ONCE,
    limit: int | None = None,
    rounds: int = 1,
) -> ImportRate:
    """Import a file into an installation, then start as many bare workflows; several rounds in turn, each with ids of its own."""
    customers, imported, bare = 0, 0.0, 0.0
    for _ in range(rounds):
        run = uuid.uuid4().hex[:8]
        report = await import_file(
            perennial, file, mapping, prefix=f"{run}-", limit=limit, at_once=at_once
        )
        customers += report.started
        imported += report.seconds
        bare += await bare_starts(perennial.temporal, report.started, run, at_once)
    return ImportRate(customers=customers, import_seconds=imported, bare_seconds=bare)


async def bare_starts(temporal: Client, count: int, run: str, at_once: int = AT_ONCE) -> float:
    """Start so many workflows that do nothing, so many at once; answers the seconds."""
    queue = asyncio.Semaphore(at_once)

    async def start(number: int) -> None:
        async with queue:
            await temporal.start_workflow("Bare", id=f"bare/{run}/{number}", task_queue=NOBODY)

    begin = time.perf_counter()
    await asyncio.gather(*map(start, range(count)))
    return time.perf_counter() - begin
