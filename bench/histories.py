"""What a cycle leaves in the history of a workflow: events, bytes and activities."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.site import Site
from bench.windows import Shape, running
from core.protocol.workflow_messages import subscription_workflow

#: Cycles in a run, so many that no run continues as new during the measurement.
ENDLESS = 120
_WORKFLOWS, _CYCLES_TO_COUNT = 8, 4


@dataclass(frozen=True, slots=True)
class PerCycle:
    """What a cycle leaves in the history: events, bytes and activities.

    It is the mean over whole runs. Without a whole run it is the mean from timer to timer.
    `run_bytes`: the bytes of a whole run. 0 without one.
    """

    events: float
    bytes: float
    activities: float
    run_bytes: float


async def history(here: Site, shape: Shape, subscriptions: Sequence[str]) -> PerCycle:
    """Let a few subscriptions renew, and count what that leaves in their histories.

    The first run of each is short, so that a whole run is soon over (see `Hurried`).
    """

    def skipped(subscription: str) -> int:
        name = subscription_workflow(subscription).encode()
        return zlib.crc32(name) % shape.cycles_per_run

    endless = shape.cycles_per_run == ENDLESS
    few = sorted(subscriptions, key=skipped, reverse=not endless)[:_WORKFLOWS]
    cycles = sum(
        _CYCLES_TO_COUNT if endless else 2 * shape.cycles_per_run - skipped(one) + 1 for one in few
    )
    async with running(here, "renewals", shape, few) as (client, workers):
        while workers.counts().done < cycles:
            await asyncio.sleep(0.2)
        return await per_cycle(client, [subscription_workflow(one) for one in few])


async def per_cycle(client: Client, workflows: Sequence[str]) -> PerCycle:
    """Read the histories of workflows that have finished some cycles."""
    cycles: list[_Event] = []
    timers, whole = 0, 0
    for workflow in workflows:
        runs = [run async for run in _runs(client, workflow)]
        whole += len(runs[1:-1])
        for part in runs[1:-1] or [_between_timers(runs[0])]:
            cycles += part
            timers += sum(event.kind == EventType.EVENT_TYPE_TIMER_STARTED for event in part)
    activities = (
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_MARKER_RECORDED,
    )
    size = sum(event.size for event in cycles)
    return PerCycle(
        events=len(cycles) / timers,
        bytes=size / timers,
        activities=sum(event.kind in activities for event in cycles) / timers,
        run_bytes=size / whole if whole else 0.0,
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
