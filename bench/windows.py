"""Windows: some seconds in which more cycles are due than the workers can do, measured.

A cycle is a renewal of the real workflow or one of a no-op workflow of the same shape.
"""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError

from bench.figures import Figure, of_rounds
from bench.site import Site, Used, WorkerProcess, Workers, WorkerSpec
from bench.workflows import NoOpInput
from core.protocol.workflow_messages import subscription_workflow
from doors.application.perennial import Perennial
from settings import Settings

#: Runs that all cold workers together keep in memory. They are so few that the run of a
#: subscription is gone when its next step is due, as after a month of sleep.
COLD_CACHE = 40
#: Subscriptions of a cold and of a warm window. Each is due a second after its last cycle. A cold
#: window has few of them, so that their runs soon have the length that they have on average.
COLD_WORKFLOWS, WARM_WORKFLOWS = 200, 300
#: Worker processes: one for each core, as docs/operations.md says, and at most four.
PROCESSES = min(os.cpu_count() or 1, 4)
_AT_ONCE = 50


#: Cycles in a run where all runs stay in memory (docs/operations.md).
WARM_CYCLES = 24


@dataclass(frozen=True, slots=True)
class Shape:
    """How cycles run.

    `cycles_per_run`: cycles until the workflow continues as new.
    `locally`: whether the renewal is a local activity or a regular one.
    `cold`: whether the run of the workflow is no longer in memory when a step is due.
    `processes`: the number of worker processes.
    """

    cycles_per_run: int
    locally: bool = True
    cold: bool = True
    processes: int = PROCESSES

    def __str__(self) -> str:
        memory = "cold" if self.cold else "warm"
        workers = "1 process" if self.processes == 1 else f"{self.processes} processes"
        kind = "" if self.locally else "regular activity, "
        return f"{memory}, {kind}{self.cycles_per_run} a run, {workers}"


@dataclass(frozen=True, slots=True)
class Window:
    """What was done in a window, and what one cycle has cost.

    `rate`: cycles per second.
    `worker_ms`, `server_ms`, `server_database_ms`, `database_ms`: milliseconds of CPU per cycle.
    `statements`, `round_trips`: SQL statements and round trips per cycle.
    `wal`: bytes of write-ahead log per cycle.
    `others`: the processors that other programs kept busy meanwhile.
    """

    rate: float
    worker_ms: float
    server_ms: float
    server_database_ms: float
    database_ms: float
    statements: float
    round_trips: float
    wal: float
    others: float

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per cycle, of all parts."""
        return self.worker_ms + self.server_ms + self.server_database_ms + self.database_ms


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    `warm_up`: seconds before a window begins, at least.
    `window`: seconds of a window.
    `rounds`: how often each window is repeated.
    """

    warm_up: float
    window: float
    rounds: int


THOROUGH = Effort(warm_up=4, window=8, rounds=3)
QUICK = Effort(warm_up=3, window=5, rounds=1)
#: The longest warm-up in seconds.
_LONGEST_WARM_UP = 40.0


def between(before: Used, after: Used) -> Window:
    """What happened between two instants."""
    done, seconds = max(1, after.done - before.done), after.at - before.at
    return Window(
        rate=(after.done - before.done) / seconds,
        worker_ms=(after.worker - before.worker) / done * 1000,
        server_ms=(after.server - before.server) / done * 1000,
        server_database_ms=(after.server_database - before.server_database) / done * 1000,
        database_ms=(after.database - before.database) / done * 1000,
        statements=(after.statements - before.statements) / done,
        round_trips=(after.round_trips - before.round_trips) / done,
        wal=(after.wal - before.wal) / done,
        others=max(0.0, (after.others - before.others) / seconds),
    )


async def window(
    here: Site, kind: str, shape: Shape, subscriptions: Sequence[str], effort: Effort
) -> Window:
    """Measure a window of `renewals` or of `nothing`.

    A cold window begins when the runs have the length that they have on average. Otherwise it would
    replay shorter histories than an installation does.
    """
    few = subscriptions[: COLD_WORKFLOWS if shape.cold else WARM_WORKFLOWS]
    async with running(here, kind, shape, few) as (_, workers):
        first = len(few) * shape.cycles_per_run if shape.cold else 0
        return await measured(here, workers, effort, first)


async def measured(here: Site, workers: Workers, effort: Effort, first: int = 0) -> Window:
    """Measure a window of workers that run. `first`: cycles that are done before it begins."""
    begin = time.monotonic()
    await asyncio.sleep(effort.warm_up)
    while time.monotonic() - begin < _LONGEST_WARM_UP:
        if (await asyncio.to_thread(workers.counts)).done >= first:
            break
        await asyncio.sleep(0.2)
    before = await asyncio.to_thread(here.used, workers)
    await asyncio.sleep(effort.window)
    return between(before, await asyncio.to_thread(here.used, workers))


@asynccontextmanager
async def running(
    here: Site, kind: str, shape: Shape, subscriptions: Sequence[str]
) -> AsyncIterator[tuple[Client, Workers]]:
    """Run workflows, and worker processes for them. Yields the client and the processes."""
    queue = f"bench-{uuid.uuid4().hex[:8]}"
    cache = COLD_CACHE // shape.processes if shape.cold else 10 * len(subscriptions)
    chosen: dict[str, Any] = {
        "task_queue": queue,
        "cycles_per_run": shape.cycles_per_run,
        "jitter_seconds": 0,
        "renew_locally": shape.locally,
        "workflow_cache": cache,
    }
    spec = WorkerSpec(kind, here.database_url, here.temporal_address, settings=chosen)
    started: list[str] = []
    async with Perennial.connect(
        here.database_url, here.temporal_address, Settings(**chosen)
    ) as perennial:
        with Workers([lambda: WorkerProcess(spec)] * shape.processes) as workers:
            try:
                started += await start(perennial, kind, shape, queue, subscriptions)
                yield perennial.temporal, workers
            finally:
                await _terminate(perennial.temporal, started)


async def start(
    perennial: Perennial, kind: str, shape: Shape, queue: str, subscriptions: Sequence[str]
) -> list[str]:
    """Start the workflows of subscriptions, or a no-op for each. Returns the workflow ids."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def start_one(subscription: str) -> str:
        async with at_once:
            if kind == "renewals":
                await perennial.start(subscription)
                return subscription_workflow(subscription)
            id_ = f"nothing/{subscription}"
            what = NoOpInput(shape.cycles_per_run, locally=shape.locally)
            await perennial.temporal.start_workflow("NoOp", what, id=id_, task_queue=queue)
            return id_

    return list(await asyncio.gather(*map(start_one, subscriptions)))


async def _terminate(client: Client, workflows: Sequence[str]) -> None:
    async def terminate(workflow: str) -> None:
        try:
            await client.get_workflow_handle(workflow).terminate("measured")
        except RPCError:
            return

    await asyncio.gather(*map(terminate, workflows))


def cpu_figures(name: str, windows: Sequence[Window]) -> list[Figure]:
    """The CPU of a cycle by process, as figures, and what others used meanwhile."""
    parts = [
        of_rounds(f"{name}: CPU of the workers", [w.worker_ms for w in windows], "ms"),
        of_rounds(f"{name}: CPU of the Temporal server", [w.server_ms for w in windows], "ms"),
        of_rounds(f"{name}: CPU of its database", [w.server_database_ms for w in windows], "ms"),
        of_rounds(f"{name}: CPU of PostgreSQL", [w.database_ms for w in windows], "ms"),
        of_rounds(f"{name}: CPU of all parts", [w.cpu_ms for w in windows], "ms"),
        of_rounds(f"{name}: cores that others used", [w.others for w in windows]),
    ]
    return [part for part in parts if part.value or part.name.endswith("used")]
