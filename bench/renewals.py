"""What a renewal from the wallet costs, and how many run per second.

The rate is compared with no-op workflows of the same shape. Each measurement is a window of some
seconds in which more renewals are due than the worker can do. Each window of renewals is paired
with a window of no-ops on the same server. Their order alternates from round to round.
"""

import asyncio
import uuid
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError

from bench.figures import Figure, Result, Say, at_least, at_most, of_rounds
from bench.shop import open_shop
from bench.site import Site, Used, WorkerProcess, WorkerSpec, site
from bench.workflows import NoOpInput
from core.protocol.workflow_messages import subscription_workflow
from doors.application.perennial import Perennial
from settings import Settings

SWEEP = (1, 3, 6, 12)
#: Runs that a cold worker keeps in memory. They are so few that the run of a subscription is gone
#: when its next step is due, as after a month of sleep.
COLD_CACHE = 60
_AT_ONCE = 50
#: Cycles in a run, so many that no run continues as new during the measurement.
_ENDLESS = 120


@dataclass(frozen=True, slots=True)
class Shape:
    """How renewals run.

    `cycles_per_run`: cycles until the workflow continues as new.
    `locally`: whether the renewal is a local activity or a regular one.
    `cold`: whether the run of the workflow is no longer in memory when a step is due.
    """

    cycles_per_run: int
    locally: bool
    cold: bool = True

    def __str__(self) -> str:
        memory = "cold" if self.cold else "warm"
        return f"{'local' if self.locally else 'regular'}, {self.cycles_per_run} a run, {memory}"


@dataclass(frozen=True, slots=True)
class Window:
    """What was done in a window, and what one cycle has cost.

    `rate`: cycles per second.
    `worker_ms`, `server_ms`, `database_ms`: milliseconds of CPU per cycle.
    `statements`, `round_trips`: SQL statements and round trips per cycle.
    `wal`: bytes of write-ahead log per cycle.
    """

    rate: float
    worker_ms: float
    server_ms: float
    database_ms: float
    statements: float
    round_trips: float
    wal: float

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per cycle, of the worker and both servers."""
        return self.worker_ms + self.server_ms + self.database_ms


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    `workflows`: how many run.
    `warm_up`: seconds before a window begins.
    `window`: seconds of a window.
    `rounds`: how often each window is repeated.
    """

    workflows: int
    warm_up: float
    window: float
    rounds: int


THOROUGH = Effort(workflows=300, warm_up=3, window=6, rounds=3)
QUICK = Effort(workflows=200, warm_up=3, window=5, rounds=1)


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure what a renewal costs, the rates of renewals and no-ops, and the best run length."""
    effort = QUICK if quick else THOROUGH
    default = Settings().cycles_per_run
    usual = [Shape(default, locally) for locally in (True, False)]
    warm = [Shape(default, locally, cold=False) for locally in (True, False)]
    sweep = (
        usual
        if quick
        else [
            Shape(cycles, locally)
            for cycles in dict.fromkeys((*SWEEP, default))
            for locally in (True, False)
        ]
    )
    shapes = [*sweep, *warm]
    pairs: dict[Shape, list[tuple[Window, Window]]] = defaultdict(list)
    with site() as here:
        subscriptions = await asyncio.to_thread(open_shop, here.database_url, effort.workflows)
        bench = _Bench(here, subscriptions, effort)
        histories = {}
        for shape in (
            Shape(1, False),
            Shape(default, False),
            Shape(_ENDLESS, False),
            Shape(default, True),
            Shape(_ENDLESS, True),
        ):
            say(f"history of renewals: {shape}")
            histories[shape] = await bench.history(shape)
        for number in range(effort.rounds):
            for place, shape in enumerate(shapes, start=1):
                say(
                    f"renewals beside no-ops, round {number + 1} of {effort.rounds}, "
                    f"{place} of {len(shapes)}: {shape}"
                )
                pairs[shape].append(await bench.pair(shape, renewals_first=number % 2 == 0))
    return [
        _cost(histories, pairs, usual, default),
        _beside(pairs, usual + warm, effort),
        *([] if quick else [_sweep(pairs, sweep, default)]),
    ]


class _Bench:
    def __init__(self, here: Site, subscriptions: Sequence[str], effort: Effort) -> None:
        self._here = here
        self._subscriptions = subscriptions
        self._effort = effort

    async def pair(self, shape: Shape, *, renewals_first: bool) -> tuple[Window, Window]:
        """Measure a window of renewals and a window of no-ops."""
        if renewals_first:
            renewals = await self._window("renewals", shape)
            return renewals, await self._window("nothing", shape)
        nothing = await self._window("nothing", shape)
        return await self._window("renewals", shape), nothing

    async def history(self, shape: Shape) -> "PerCycle":
        """Measure what a few renewals leave in the history."""
        few = [
            s
            for s in self._subscriptions
            if zlib.crc32(subscription_workflow(s).encode()) % _ENDLESS < _ENDLESS // 2
        ][:10]
        cycles = 4 if shape.cycles_per_run == _ENDLESS else 4 * shape.cycles_per_run
        async with self._running("renewals", shape, few) as (client, worker):
            while worker.counts().done < len(few) * cycles:
                await asyncio.sleep(0.2)
            return await per_cycle(
                client, [subscription_workflow(subscription) for subscription in few]
            )

    async def _window(self, kind: str, shape: Shape) -> Window:
        async with self._running(kind, shape, self._subscriptions) as (_, worker):
            await asyncio.sleep(self._effort.warm_up)
            before = await asyncio.to_thread(self._here.used, worker)
            await asyncio.sleep(self._effort.window)
            return _between(before, await asyncio.to_thread(self._here.used, worker))

    @asynccontextmanager
    async def _running(
        self, kind: str, shape: Shape, subscriptions: Sequence[str]
    ) -> AsyncIterator[tuple[Client, WorkerProcess]]:
        """Run workflows, and a worker process for them. Yields the client and the process."""
        queue = f"bench-{uuid.uuid4().hex[:8]}"
        chosen: dict[str, Any] = {
            "task_queue": queue,
            "cycles_per_run": shape.cycles_per_run,
            "jitter_seconds": 0,
            "renew_locally": shape.locally,
            "workflow_cache": COLD_CACHE if shape.cold else 10 * len(subscriptions),
        }
        spec = WorkerSpec(
            kind, self._here.database_url, self._here.temporal_address, settings=chosen
        )
        started: list[str] = []
        async with Perennial.connect(
            self._here.database_url, self._here.temporal_address, Settings(**chosen)
        ) as perennial:
            with WorkerProcess(spec) as worker:
                try:
                    started += await _start(perennial, kind, shape, queue, subscriptions)
                    yield perennial.temporal, worker
                finally:
                    await _terminate(perennial.temporal, started)


async def _start(
    perennial: Perennial, kind: str, shape: Shape, queue: str, subscriptions: Sequence[str]
) -> list[str]:
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def start(subscription: str) -> str:
        async with at_once:
            if kind == "renewals":
                await perennial.start(subscription)
                return subscription_workflow(subscription)
            id_, start = (
                f"nothing/{subscription}",
                NoOpInput(shape.cycles_per_run, locally=shape.locally),
            )
            await perennial.temporal.start_workflow("NoOp", start, id=id_, task_queue=queue)
            return id_

    return list(await asyncio.gather(*map(start, subscriptions)))


async def _terminate(client: Client, workflows: Sequence[str]) -> None:
    async def terminate(workflow: str) -> None:
        try:
            await client.get_workflow_handle(workflow).terminate("measured")
        except RPCError:
            return

    await asyncio.gather(*map(terminate, workflows))


def _between(before: Used, after: Used) -> Window:
    done = max(1, after.done - before.done)
    return Window(
        rate=(after.done - before.done) / (after.at - before.at),
        worker_ms=(after.worker - before.worker) / done * 1000,
        server_ms=(after.server - before.server) / done * 1000,
        database_ms=(after.database - before.database) / done * 1000,
        statements=(after.statements - before.statements) / done,
        round_trips=(after.round_trips - before.round_trips) / done,
        wal=(after.wal - before.wal) / done,
    )


@dataclass(frozen=True, slots=True)
class PerCycle:
    """What a cycle leaves in the history: events, bytes and activities.

    It is the mean over whole runs. Without a whole run it is the mean from timer to timer.
    """

    events: float
    bytes: float
    activities: float


async def per_cycle(client: Client, workflows: Sequence[str]) -> PerCycle:
    """Read the histories of workflows that have finished some cycles."""
    cycles: list[_Event] = []
    timers = 0
    for workflow in workflows:
        runs = [run async for run in _runs(client, workflow)]
        for part in runs[1:-1] or [_between_timers(runs[0])]:
            cycles += part
            timers += sum(event.kind == EventType.EVENT_TYPE_TIMER_STARTED for event in part)
    activities = (
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_MARKER_RECORDED,
    )
    return PerCycle(
        len(cycles) / timers,
        sum(event.size for event in cycles) / timers,
        sum(event.kind in activities for event in cycles) / timers,
    )


@dataclass(frozen=True, slots=True)
class _Event:
    kind: int
    size: int


def _between_timers(run: list[_Event]) -> list[_Event]:
    """The events from the first timer up to the last one."""
    timers = [
        place for place, event in enumerate(run) if event.kind == EventType.EVENT_TYPE_TIMER_STARTED
    ]
    return run[timers[0] : timers[-1]]


async def _runs(client: Client, workflow: str) -> AsyncIterator[list[_Event]]:
    """The runs of a workflow so far, in order."""
    run: str | None = await _first_run(client, workflow)
    while run:
        events, following = [], None
        async for event in client.get_workflow_handle(workflow, run_id=run).fetch_history_events():
            following = (
                event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
                or None
            )
            events.append(_Event(event.event_type, event.ByteSize()))
        yield events
        run = following


async def _first_run(client: Client, workflow: str) -> str:
    async for event in client.get_workflow_handle(workflow).fetch_history_events():
        return event.workflow_execution_started_event_attributes.first_execution_run_id
    raise RuntimeError(f"{workflow} has no history")


# What is shown ------------------------------------------------------------------------------------


def _cost(
    histories: dict[Shape, PerCycle],
    pairs: dict[Shape, list[tuple[Window, Window]]],
    usual: Sequence[Shape],
    default: int,
) -> Result:
    names = {
        Shape(1, False): ("continue-as-new each cycle", at_most(16)),
        Shape(default, False): (f"continue-as-new every {default}", None),
        Shape(_ENDLESS, False): ("without continue-as-new", at_most(11)),
        Shape(default, True): (f"local, continue-as-new every {default}", None),
        Shape(_ENDLESS, True): ("local, without continue-as-new", at_most(7)),
    }
    figures = [
        Figure(f"history events: {name}", histories[shape].events, "", bar)
        for shape, (name, bar) in names.items()
    ]
    figures += [
        Figure(f"history bytes: {name}", histories[shape].bytes, "B")
        for shape, (name, _) in names.items()
    ]
    figures += [
        Figure(f"activities: {name}", histories[shape].activities, "", at_most(1))
        for shape, (name, _) in names.items()
    ]
    for shape in usual:
        windows = [renewals for renewals, _ in pairs[shape]]
        figures += [
            of_rounds(
                f"SQL round trips, BEGIN and COMMIT included: {shape}",
                [w.round_trips for w in windows],
                "",
                at_most(12),
            ),
            of_rounds(f"SQL statements: {shape}", [w.statements for w in windows]),
            of_rounds(f"WAL: {shape}", [w.wal for w in windows], "B"),
            of_rounds(f"CPU of the worker: {shape}", [w.worker_ms for w in windows], "ms"),
            of_rounds(f"CPU of the Temporal server: {shape}", [w.server_ms for w in windows], "ms"),
            of_rounds(f"CPU of PostgreSQL: {shape}", [w.database_ms for w in windows], "ms"),
        ]
    return Result(
        "A renewal from the wallet",
        figures,
        (
            "Events are counted over whole runs and divided by their cycles. "
            "Without continue-as-new they are counted from timer to timer.",
        ),
    )


def _beside(
    pairs: dict[Shape, list[tuple[Window, Window]]], shapes: Sequence[Shape], effort: Effort
) -> Result:
    figures = []
    for shape in shapes:
        ratios = [renewals.rate / nothing.rate for renewals, nothing in pairs[shape]]
        figures += [
            of_rounds(f"renewals/s: {shape}", [renewals.rate for renewals, _ in pairs[shape]]),
            of_rounds(f"no-ops/s: {shape}", [nothing.rate for _, nothing in pairs[shape]]),
            of_rounds(f"renewals as a part of no-ops: {shape}", ratios, "", at_least(0.6)),
            of_rounds(
                f"CPU of a renewal, all parts: {shape}",
                [renewals.cpu_ms for renewals, _ in pairs[shape]],
                "ms",
            ),
            of_rounds(
                f"CPU of a no-op, all parts: {shape}",
                [nothing.cpu_ms for _, nothing in pairs[shape]],
                "ms",
            ),
        ]
    notes = (
        f"{effort.workflows} workflows, each due a second after its last cycle. "
        "One worker process shares the machine with the server and PostgreSQL.",
        f"cold: the worker keeps {COLD_CACHE} runs in memory, so each renewal replays its run, "
        "as after a month of sleep. warm: it keeps all runs.",
        "The aim is 0.8. On a machine that does other work, the CPU figures are more reliable.",
    )
    return Result("Renewals beside no-op workflows of the same shape", figures, notes)


def _sweep(
    pairs: dict[Shape, list[tuple[Window, Window]]], shapes: Sequence[Shape], default: int
) -> Result:
    figures = []
    for shape in sorted(shapes, key=lambda s: (not s.locally, s.cycles_per_run)):
        figures.append(
            of_rounds(f"renewals/s: {shape}", [renewals.rate for renewals, _ in pairs[shape]])
        )
        figures.append(
            of_rounds(
                f"as a part of no-ops: {shape}",
                [renewals.rate / nothing.rate for renewals, nothing in pairs[shape]],
            )
        )
        figures.append(
            of_rounds(
                f"CPU of a renewal, all parts: {shape}",
                [renewals.cpu_ms for renewals, _ in pairs[shape]],
                "ms",
            )
        )
    best = max(shapes, key=lambda shape: median(renewals.rate for renewals, _ in pairs[shape]))
    return Result(
        "Cycles per run, by measurement",
        figures,
        (f"Fastest: {best}. The default is {default} a run.",),
    )
