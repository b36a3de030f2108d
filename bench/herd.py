"""A herd: ten thousand subscriptions that sleep, and that are all due in one window.

The bench measures how fast the backlog drains from first to last, how many workflow tasks time out
on the way, and the memory of the workers.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.figures import Figure, Result, Say, at_least, at_most
from bench.shop import open_shop
from bench.site import Counts, WorkerProcess, Workers, WorkerSpec, site
from bench.windows import PROCESSES, Shape, start
from core.protocol.workflow_messages import subscription_workflow
from doors.application.perennial import Perennial
from settings import Settings

SUBSCRIPTIONS = 10_000
#: Seconds over which the herd is due.
WINDOW = 60.0
_SLICE = 15.0
#: Seconds from the start of the workers until the herd is due, for each second that the start of
#: the workflows took. All must be asleep by then.
_FALL_ASLEEP = 2.0
_HISTORIES, _READ_AT_ONCE = 1000, 50
_LONGEST = 600.0
#: A slice at the end is often short. It counts as a rate if it is at least this long.
_SHORTEST = 5.0


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure a herd with the default settings."""
    count = 2000 if quick else SUBSCRIPTIONS
    chosen: dict[str, Any] = {"task_queue": f"bench-{uuid.uuid4().hex[:8]}"}
    config = Settings(**chosen)
    with site() as here:
        say(f"herd: {count} subscriptions are bought")
        subscriptions = await asyncio.to_thread(open_shop, here.database_url, count)
        async with Perennial.connect(here.database_url, here.temporal_address, config) as perennial:
            say(f"herd: {count} workflows are started")
            begin, shape = time.time(), Shape(config.cycles_per_run)
            await start(perennial, "renewals", shape, config.task_queue, subscriptions)
            due = time.time() + 10 + _FALL_ASLEEP * (time.time() - begin)
            spec = WorkerSpec(
                "herd",
                here.database_url,
                here.temporal_address,
                settings=chosen,
                herd=(due, WINDOW),
            )
            with Workers([lambda: WorkerProcess(spec)] * PROCESSES) as workers:
                await asyncio.sleep(due - time.time())
                asleep = await asyncio.to_thread(workers.counts)
                if asleep.runs < count:
                    raise RuntimeError(f"{asleep.runs} of {count} were asleep at the window")
                before = await asyncio.to_thread(here.used, workers)
                slices, memory = await _drained(workers, count, say)
                after = await asyncio.to_thread(here.used, workers)
                say("herd: histories are read")
                tasks = await _tasks(perennial.temporal, subscriptions)
    done, seconds = after.done - before.done, after.at - before.at
    whole = [rate for rate, length in slices if length >= _SHORTEST]
    figures = [
        Figure("renewals/s, all in all", done / seconds),
        *(
            Figure(f"renewals/s in slice {number} ({length:.0f} s)", rate)
            for number, (rate, length) in enumerate(slices, start=1)
        ),
        Figure("rate of the last whole slices beside the first", _trend(whole), "", at_least(0.9)),
        Figure("workflow tasks that timed out", tasks, "%", at_most(1)),
        Figure(
            f"resident memory of the largest of {PROCESSES} workers",
            memory / 2**20,
            "MiB",
            at_most(400),
        ),
        Figure("CPU of the workers", (after.worker - before.worker) / done * 1000, "ms"),
        Figure("CPU of the Temporal server", (after.server - before.server) / done * 1000, "ms"),
        Figure("CPU of PostgreSQL", (after.database - before.database) / done * 1000, "ms"),
        Figure("cores that others used", max(0.0, (after.others - before.others) / seconds)),
    ]
    notes = (
        f"{count:,} subscriptions, due over {WINDOW:.0f} s. Each renews once. The workers keep "
        f"{config.workflow_cache:,} runs each in memory, so nearly all renewals are cold.",
    )
    return [Result("A herd", figures, notes)]


async def _drained(
    workers: Workers, count: int, say: Say
) -> tuple[list[tuple[float, float]], float]:
    """Wait until all have renewed.

    Returns the rate and the length in seconds of each slice of the time, and the largest memory.
    """
    begin = now = time.monotonic()
    slices: list[tuple[float, float]] = []
    memory, last, since = 0.0, Counts(), begin
    while last.done < count:
        if now - begin > _LONGEST:
            raise RuntimeError(f"{last.done} of {count} had renewed after {_LONGEST:.0f} s")
        before = last.done
        while last.done < count and now - since < _SLICE:
            await asyncio.sleep(0.5)
            last, now = await asyncio.to_thread(workers.counts), time.monotonic()
            memory = max(memory, last.memory)
        slices.append(((last.done - before) / (now - since), now - since))
        say(f"herd: {last.done} of {count} have renewed, {slices[-1][0]:.0f}/s")
        since = now
    return slices, memory


def _trend(rates: Sequence[float]) -> float:
    """The mean of the second half of the rates, divided by that of the first half."""
    half = len(rates) // 2
    if not half:
        return 1.0
    return (sum(rates[-half:]) / half) / (sum(rates[:half]) / half)


async def _tasks(client: Client, subscriptions: Sequence[str]) -> float:
    """The workflow tasks that timed out, in percent of those that were scheduled.

    It reads the histories of some of the subscriptions.
    """
    step = max(1, len(subscriptions) // _HISTORIES)
    at_once = asyncio.Semaphore(_READ_AT_ONCE)
    scheduled = timed_out = 0

    async def read(subscription: str) -> None:
        nonlocal scheduled, timed_out
        async with at_once:
            handle = client.get_workflow_handle(subscription_workflow(subscription))
            async for event in handle.fetch_history_events():
                kind = event.event_type
                scheduled += kind == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
                timed_out += kind == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT

    await asyncio.gather(*map(read, subscriptions[::step]))
    return 100 * timed_out / max(1, scheduled)
