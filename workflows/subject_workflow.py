"""What the workflow of every subject does: it sleeps, runs steps, and carries out commands.

A subject is what has a next step: a subscription or an account. The database holds the truth. The
workflow holds the last committed snapshot and the place in time. Handlers only enqueue; the main
loop acts. What is due at an instant runs before a command of that instant, also for the other
subjects of the account (Rule 1.6, `core.protocol.call_sequences`).
"""

import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeGuard, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from core.domain.steps import Step
    from core.protocol.activity_messages import (
        AccountSnapshot,
        CommandResult,
        Outcome,
        Snapshot,
        StepResult,
    )
    from core.protocol.call_sequences import run_step
    from core.protocol.workflow_messages import (
        AccountInput,
        AccountMessage,
        SubscriptionInput,
        SubscriptionMessage,
        Tick,
    )
    from workflows.activity_driver import HERD, drive
    from workflows.queued_command import QueuedCommand

MOST_CARRIED = 50
"""So many waiting commands are carried over into the next run. A command is at most 16 KiB."""
_AFTER_A_FAULT = timedelta(minutes=1)

S = TypeVar("S", Snapshot, AccountSnapshot)
M = TypeVar("M", SubscriptionMessage, AccountMessage)


class SubjectWorkflow(Generic[S, M]):
    """One subject. A subclass has the handlers of its commands, and says what it refuses at once.

    `start`, `snapshot`, `queued`: the input of the workflow, and its two typed parts.
    """

    def __init__(
        self, start: SubscriptionInput | AccountInput, snapshot: S, queued: Iterable[M]
    ) -> None:
        self._start = start
        self._snapshot: S = snapshot
        self._queue: list[QueuedCommand[M]] = [QueuedCommand(message) for message in queued]
        self._changed = False
        self._ticks: list[Tick] = []
        self._steps = 0
        self._lets_commands_pass = False

    async def _live(self) -> None:
        """Run steps and commands until there is no next step and no command."""
        if self._start.on_clock and workflow.info().continued_run_id:
            # Its first task needs a command. If the task only refused an update, the server would
            # take it back, and the next update would wait until the sticky queue times out. A
            # timer is such a command, but a test clock needs none. The marker of a patch is one.
            workflow.patched("first task of a run on a test clock")
        while self._snapshot.next_step is not None or self._queue:
            await self._sleep()
            if self._queue and (self._lets_commands_pass or self._step_now() is None):
                await self._carry_out(self._queue[0])
            elif self._step_now() is not None:
                await self._run_step()
            if self._time_to_continue():
                await self._continue()

    # waiting

    async def _sleep(self) -> None:
        """Wait until a step is to run, or a command is waiting."""
        while self._has_to_wait():
            self._changed = False
            timeout = None
            if not self._start.on_clock and self._snapshot.next_step is not None:
                timeout = self._snapshot.next_step.due + self._jitter() - workflow.now()
            try:
                await workflow.wait_condition(
                    lambda: bool(self._queue) or self._changed, timeout=timeout
                )
            except TimeoutError:
                continue

    def _has_to_wait(self) -> bool:
        """Whether there is nothing to do now, but later. A subject that has ended waits no more."""
        return (
            self._snapshot.next_step is not None
            and not self._queue
            and self._step_now() is None
            and not self._time_to_continue()
        )

    def _step_now(self) -> datetime | None:
        """The business instant at which the next step is to run now. None: it is not to run now.

        A command waits for no jitter: what is due at its instant comes first (Rule 1.6). On a test
        clock a step runs when the clock ticks.
        """
        step = self._snapshot.next_step
        if step is None:
            return None
        if self._start.on_clock:
            return next((tick.now for tick in self._ticks if not self._has_taken(tick)), None)
        now = workflow.now()
        return now if step.due + (timedelta(0) if self._queue else self._jitter()) <= now else None

    def _step_is_due(self, now: datetime) -> bool:
        return self._snapshot.next_step is not None and self._snapshot.next_step.due <= now

    def _has_taken(self, tick: Tick) -> bool:
        return self._snapshot.next_step is None or self._snapshot.version > tick.version

    def _jitter(self) -> timedelta:
        """A stable part of the spread.

        It is the same for all subjects of an account, so that groups stay together.
        """
        seconds = self._start.options.jitter_seconds
        part = zlib.crc32(self._snapshot.account.encode()) % seconds if seconds else 0
        return timedelta(seconds=part)

    # acting

    async def _run_step(self) -> None:
        step, now = self._snapshot.next_step, self._step_now()
        assert step is not None
        assert now is not None
        sequence = run_step(step.kind, self._snapshot.subject, self._snapshot.version, now)
        try:
            result: StepResult = await drive(
                sequence, self._start.options, HERD, hurry=lambda: bool(self._queue)
            )
        except FailureError as error:
            # Workers may not know these messages, for example. The workflow lives as long as its
            # subject has a next step.
            workflow.logger.error("%s does not work: %s", step.kind, error.cause or error)
            await workflow.sleep(_AFTER_A_FAULT)
            return
        # A command does not wait for a card gateway that does not answer.
        self._lets_commands_pass = result.outcome is Outcome.NEEDS_CARD
        if result.snapshot is not None:
            self._steps += 1
            self._apply(result.snapshot)

    async def _carry_out(self, queued: QueuedCommand[M]) -> None:
        outcome = await queued.carry_out(
            self._now_of(queued.message), self._start.options, hurry=lambda: len(self._queue) > 1
        )
        if outcome.snapshot is not None:
            self._apply(outcome.snapshot)
        queued.answer()
        self._queue.remove(queued)

    def _now_of(self, message: M) -> datetime:
        """A command's business instant. Only on a test clock does the sender name it."""
        return message.now if self._start.on_clock and message.now is not None else workflow.now()

    def _apply(self, snapshot: Snapshot | AccountSnapshot) -> None:
        """Apply what a transaction of this workflow has committed, unless more is known."""
        if self._is_own(snapshot) and snapshot.version >= self._snapshot.version:
            self._snapshot = snapshot
            self._changed = True

    def _learn(self, snapshot: Snapshot | AccountSnapshot) -> None:
        """Apply what this workflow was told, if that is news. It looks at the time anew."""
        if self._is_own(snapshot):
            if snapshot.version > self._snapshot.version:
                self._snapshot = snapshot
            self._changed = True

    def _is_own(self, snapshot: Snapshot | AccountSnapshot) -> TypeGuard[S]:
        return (
            isinstance(snapshot, type(self._snapshot))
            and snapshot.subject == self._snapshot.subject
        )

    def _time_to_continue(self) -> bool:
        """Whether to continue as new: after some cycles, as soon as no command waits.

        When the history has grown long (a flood of signals), a few waiting commands go along. The
        others are carried out first, because the input of a workflow has a limit.
        """
        if self._snapshot.next_step is None or self._step_now() is not None:
            return False
        if workflow.info().is_continue_as_new_suggested():
            return len(self._queue) <= MOST_CARRIED
        return not self._queue and self._steps >= self._start.options.cycles_per_run

    async def _continue(self) -> None:
        """Continue as new, unless a command comes in while the last handlers finish."""
        await workflow.wait_condition(
            lambda: (
                workflow.all_handlers_finished()
                or bool(self._queue)
                or not self._time_to_continue()
            )
        )
        if workflow.all_handlers_finished():
            queued = tuple(queued.message for queued in self._queue)
            changes: dict[str, Any] = {"snapshot": self._snapshot, "queued": queued}
            workflow.continue_as_new(replace(self._start, **changes))

    # commands: see `workflows.command_handlers`

    async def execute(self, message: M) -> CommandResult:
        """Put a command in the queue, and wait for its outcome."""
        queued = QueuedCommand(message)
        self._queue.append(queued)
        return await queued.outcome()

    # what others tell it

    @workflow.update
    async def tick(self, tick: Tick) -> Step | None:
        """The test clock has reached the next step of this version. Returns what is next."""
        self._ticks.append(tick)
        self._changed = True
        await workflow.wait_condition(lambda: self._has_taken(tick))
        self._ticks.remove(tick)
        return self._snapshot.next_step

    @tick.validator
    def _may_tick(self, tick: Tick) -> None:
        if not self._start.on_clock or not isinstance(tick, Tick) or tick.now.tzinfo is None:
            raise ApplicationError(
                "it lives by the machine's clock, or this is no tick",
                type="Misaddressed",
                non_retryable=True,
            )

    # what others ask it

    @workflow.query
    def next_step(self) -> Step | None:
        """What it does next by itself, when, by which rule, and why."""
        return self._snapshot.next_step
