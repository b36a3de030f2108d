"""A worker process for the bench: `python -m bench.worker SPEC` answers each line on its standard input with what it has done so far, and
ends with the input."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import psutil
from sqlalchemy import Engine, event
from temporalio import activity
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.registry import Activities
from bench.site import Counts, WorkerSpec, forget_configuration
from bench.workflows import Hurried, NoOp
from core.gateways.simulated_cards import SimulatedCards
from doors.application.perennial import Perennial
from doors.service.workers import PASSED_THROUGH, running
from settings import Settings


class Tally:
    """Counts what is done; the threads of a process share it (a count of int under the interpreter's lock, of events that took a
    round trip each: nothing is lost that would matter)."""

    def __init__(self) -> None:
        self.done = self.statements = self.round_trips = 0

    def watch(self, engine: Engine) -> None:
        """Count the statements of an engine, and with BEGIN, COMMIT and ROLLBACK its round trips."""

        def statement(*_: Any) -> None:
            self.statements += 1
            self.round_trips += 1

        def transaction(*_: Any) -> None:
            self.round_trips += 1

        event.listen(engine, "before_cursor_execute", statement)
        for name in ("begin", "commit", "rollback"):
            event.listen(engine, name, transaction)

    def counts(self) -> Counts:
        """Until now."""
        me = psutil.Process()
        times = me.cpu_times()
        return Counts(
            self.done,
            self.statements,
            self.round_trips,
            times.user + times.system,
            me.memory_info().rss,
        )


class Counted(Activities):
    """The activities; renewals are counted."""

    tally: Tally

    def call(self, name: str, request: Any) -> Any:
        """Run an activity by name."""
        result = super().call(name, request)
        if name == "renew":
            self.tally.done += 1
        return result


@asynccontextmanager
async def hurried(perennial: Perennial, config: Settings, tally: Tally) -> AsyncIterator[None]:
    """Workers as `doors.service.workers` sets them up, for hurried subscriptions."""
    activities = Counted(perennial.ledger, SimulatedCards(perennial.ledger.engine))
    activities.tally = tally
    tally.watch(perennial.ledger.engine)
    async with _both(perennial, config, [Hurried], activities.registered()):
        yield


@asynccontextmanager
async def no_ops(perennial: Perennial, config: Settings, tally: Tally) -> AsyncIterator[None]:
    """The same workers for no-ops."""

    @activity.defn
    def nothing(n: int) -> int:
        tally.done += 1
        return n

    async with _both(perennial, config, [NoOp], [nothing]):
        yield


@asynccontextmanager
async def _both(
    perennial: Perennial, config: Settings, workflows: list[type], activities: list[Any]
) -> AsyncIterator[None]:
    with (
        ThreadPoolExecutor(config.activity_threads) as local,
        ThreadPoolExecutor(config.activity_threads) as regular,
    ):
        async with (
            Worker(
                perennial.temporal,
                task_queue=config.task_queue,
                workflows=workflows,
                activities=activities,
                activity_executor=local,
                no_remote_activities=True,
                workflow_runner=SandboxedWorkflowRunner(
                    SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH, "bench")
                ),
                max_cached_workflows=config.workflow_cache,
                max_concurrent_workflow_tasks=8,
                max_concurrent_local_activities=config.activity_threads,
            ),
            Worker(
                perennial.temporal,
                task_queue=config.task_queue,
                activities=activities,
                activity_executor=regular,
                max_concurrent_activities=config.activity_threads,
            ),
        ):
            yield


async def main(spec: WorkerSpec) -> None:
    """Work until the input ends."""
    config, tally = Settings(**spec.settings), Tally()
    async with Perennial.connect(spec.database_url, spec.temporal_address, config) as perennial:
        match spec.kind:
            case "renewals":
                workers = hurried(perennial, config, tally)
            case "nothing":
                workers = no_ops(perennial, config, tally)
            case _:
                workers = running(spec.roles, perennial, config)
        async with workers:
            while await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(asdict(tally.counts())), flush=True)


if __name__ == "__main__":
    forget_configuration()
    asyncio.run(main(WorkerSpec(**json.loads(sys.argv[1]))))
