"""The rate of an import, compared with bare workflow starts.

Both start the same number of workflows on the same server with the same concurrency, one after the
other. A bare start is a workflow without input on a task queue without a worker. It is the least
work for the server and the client. No worker runs during either measurement.
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

#: A task queue that no worker polls.
UNSERVED = "perennial-bench-unserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRate:
    """The number of customers, and the seconds that the import and the bare starts took."""

    customers: int
    import_seconds: float
    bare_seconds: float

    @property
    def imported_per_second(self) -> float:
        """Customers that were imported per second, with their workflows started."""
        return self.customers / self.import_seconds

    @property
    def started_per_second(self) -> float:
        """Bare workflow starts per second."""
        return self.customers / self.bare_seconds

    @property
    def ratio(self) -> float:
        """The import's rate divided by the rate of bare starts."""
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
    """Import a file into an installation, then start as many bare workflows.

    `perennial`: the installation.
    `file`, `mapping`: the customers, and how the columns are read.
    `at_once`: workflow starts that run concurrently.
    `limit`: the number of customers in a round. Default: all of the file.
    `rounds`: how often both are repeated. Each round has its own ids.
    """
    customers, imported, bare = 0, 0.0, 0.0
    for _ in range(rounds):
        run = uuid.uuid4().hex[:8]
        report = await import_file(
            perennial.ledger,
            file,
            mapping,
            starter=perennial,
            prefix=f"{run}-",
            limit=limit,
            at_once=at_once,
        )
        customers += report.started
        imported += report.seconds
        bare += await bare_starts(perennial.temporal, report.started, run, at_once)
    return ImportRate(customers=customers, import_seconds=imported, bare_seconds=bare)


async def bare_starts(temporal: Client, count: int, run: str, at_once: int = AT_ONCE) -> float:
    """Start `count` workflows that do nothing, `at_once` concurrently. Returns the seconds."""
    queue = asyncio.Semaphore(at_once)

    async def start(number: int) -> None:
        async with queue:
            await temporal.start_workflow("Bare", id=f"bare/{run}/{number}", task_queue=UNSERVED)

    begin = time.perf_counter()
    await asyncio.gather(*map(start, range(count)))
    return time.perf_counter() - begin
