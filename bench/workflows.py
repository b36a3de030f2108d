"""The two workflows that are measured beside each other.

`Hurried` is the subscription's workflow as it is, but for the length of its timers: each step is due a moment after the last one instead of a
month, and is taken at its own business instant. Its events, messages and activities are the real ones. `NoOp` is the least that a workflow of
the same shape can be: the same timer, one activity that does nothing, the same continue-as-new.
"""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from core.protocol.activity_messages import Snapshot
    from core.protocol.workflow_messages import SubscriptionInput
    from workflows.subscription import SubscriptionWorkflow

#: Between a step and the next one, in real time.
MOMENT = timedelta(seconds=1)


def head_start(cycles_per_run: int) -> int:
    """The cycles that a workflow's very first run leaves out: so they do not all continue as new in the same second."""
    info = workflow.info()
    return 0 if info.continued_run_id else zlib.crc32(info.workflow_id.encode()) % cycles_per_run


@workflow.defn(name="Subscription")
class Hurried(SubscriptionWorkflow):
    """See the module."""

    @workflow.init
    def __init__(self, start: SubscriptionInput) -> None:
        super().__init__(start)
        self._since = workflow.now()
        self._steps = head_start(start.options.cycles_per_run)

    @workflow.run
    async def run(self, start: SubscriptionInput) -> Snapshot:
        """As the subscription's workflow."""
        return await super().run(start)

    def _jitter(self) -> timedelta:
        step = self._snapshot.next_step
        return timedelta(0) if step is None else self._since + MOMENT - step.due

    def _step_now(self) -> datetime | None:
        step = self._snapshot.next_step
        return None if step is None or super()._step_now() is None else step.due

    def _apply(self, snapshot: Snapshot) -> None:
        super()._apply(snapshot)
        self._since = workflow.now()


@dataclass(frozen=True, slots=True)
class NoOpInput:
    """How a no-op goes round: cycles in a run, the length of the timers, local activities or not."""

    cycles_per_run: int
    moment: timedelta = MOMENT
    locally: bool = True


@workflow.defn(name="NoOp")
class NoOp:
    """See the module."""

    @workflow.run
    async def run(self, start: NoOpInput) -> None:
        """One run; then the next."""
        for _ in range(start.cycles_per_run - head_start(start.cycles_per_run)):
            await workflow.sleep(start.moment)
            if start.locally:
                await workflow.execute_local_activity(
                    "nothing",
                    1,
                    schedule_to_close_timeout=timedelta(seconds=10),
                    retry_policy=RetryPolicy(maximum_attempts=1),
                )
            else:
                await workflow.execute_activity(
                    "nothing", 1, start_to_close_timeout=timedelta(seconds=60)
                )
        workflow.continue_as_new(replace(start))
