"""The workflows that are measured.

`Hurried` is the real workflow of a subscription with short timers. Each step runs a moment after
the last one, not a month after it. Its business instant stays the same. The events, the messages
and the activities are the real ones.

`NoOp` is the smallest workflow of the same shape. It has the same timer, one activity that does
nothing, and the same continue-as-new.

`Herd` is the real workflow of a subscription too. It renews once, at an instant or in a window that
all of the herd share, and then sleeps.
"""

import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from core.protocol.activity_messages import AccountSnapshot, Snapshot
    from core.protocol.workflow_messages import SubscriptionInput
    from workflows.subscription import SubscriptionWorkflow

#: The real time between a step and the next one.
MOMENT = timedelta(seconds=1)


def head_start(cycles_per_run: int) -> int:
    """The number of cycles that the first run of a workflow skips.

    It differs between workflows, so they do not all continue as new in the same second.
    """
    info = workflow.info()
    return 0 if info.continued_run_id else zlib.crc32(info.workflow_id.encode()) % cycles_per_run


@workflow.defn(name="Subscription")
class Hurried(SubscriptionWorkflow):
    """See the docstring of the module."""

    @workflow.init
    def __init__(self, start: SubscriptionInput) -> None:
        super().__init__(start)
        self._since = workflow.now()
        self._steps = head_start(start.options.cycles_per_run)

    @workflow.run
    async def run(self, start: SubscriptionInput) -> Snapshot:
        """Run like the workflow of a subscription."""
        return await super().run(start)

    def _jitter(self) -> timedelta:
        step = self._snapshot.next_step
        return timedelta(0) if step is None else self._since + MOMENT - step.due

    def _step_now(self) -> datetime | None:
        step = self._snapshot.next_step
        return None if step is None or super()._step_now() is None else step.due

    def _apply(self, snapshot: Snapshot | AccountSnapshot) -> None:
        super()._apply(snapshot)
        self._since = workflow.now()


class Loaded:
    """How many runs this process has loaded into memory, replays included."""

    runs = 0


@workflow.defn(name="Subscription")
class Herd(SubscriptionWorkflow):
    """See the docstring of the module.

    `due`: when the herd wakes, in seconds since 1970. `window`: over how many seconds it spreads.
    """

    due = 0.0
    window = 0.0

    @workflow.init
    def __init__(self, start: SubscriptionInput) -> None:
        super().__init__(start)
        self._renewed = False
        Loaded.runs += 1

    @workflow.run
    async def run(self, start: SubscriptionInput) -> Snapshot:
        """Run like the workflow of a subscription."""
        return await super().run(start)

    def _wakes(self) -> datetime:
        if self._renewed:
            return datetime.fromtimestamp(self.due, UTC) + timedelta(days=365)
        part = zlib.crc32(workflow.info().workflow_id.encode()) / 2**32
        return datetime.fromtimestamp(self.due + part * self.window, UTC)

    def _jitter(self) -> timedelta:
        step = self._snapshot.next_step
        return timedelta(0) if step is None else self._wakes() - step.due

    def _step_now(self) -> datetime | None:
        step = self._snapshot.next_step
        return None if step is None or super()._step_now() is None else step.due

    def _apply(self, snapshot: Snapshot | AccountSnapshot) -> None:
        super()._apply(snapshot)
        self._renewed = True


@dataclass(frozen=True, slots=True)
class NoOpInput:
    """How a no-op repeats itself.

    `cycles_per_run`: cycles until it continues as new.
    `moment`: the length of its timers.
    `locally`: whether its activity is a local one.
    """

    cycles_per_run: int
    moment: timedelta = MOMENT
    locally: bool = True


@workflow.defn(name="NoOp")
class NoOp:
    """See the docstring of the module."""

    @workflow.run
    async def run(self, start: NoOpInput) -> None:
        """Run the cycles of one run, then continue as new."""
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
