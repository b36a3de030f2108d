"""The workflow of one subscription, from its purchase until it is TERMINATED.

It sleeps until the next step, runs the step, and runs the commands in between, one at a time. The
database holds the truth. The workflow holds the last committed snapshot and the place in time.
Handlers only enqueue; the main loop acts. What is due at an instant runs before a command of that
instant, also for the other subscriptions of the account (Rule 1.6, `core.protocol.call_sequences`).
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from core.domain import explain, policy, state_table
    from core.domain.commands import SUBSCRIPTION_COMMANDS
    from core.domain.planner.notices import PlannedNotice
    from core.domain.planner.schedule import schedule
    from core.domain.refusal import Refusal
    from core.domain.rules import Rule
    from core.domain.steps import Step
    from core.protocol.activity_messages import CommandResult, Snapshot, StepResult
    from core.protocol.call_sequences import run_step
    from core.protocol.workflow_messages import (
        Planned,
        SubscriptionInput,
        SubscriptionMessage,
        Tick,
        readable,
        subscription_workflow,
    )
    from workflows.activity_driver import drive
    from workflows.command_handlers import handles_commands, misaddressed, refused
    from workflows.queued_command import QueuedCommand

_AFTER_A_FAULT = timedelta(minutes=1)


@workflow.defn(name="Subscription")
@handles_commands(SUBSCRIPTION_COMMANDS, SubscriptionMessage, signals=True)
class SubscriptionWorkflow:
    """One subscription."""

    @workflow.init
    def __init__(self, start: SubscriptionInput) -> None:
        self._start = start
        self._snapshot = start.snapshot
        self._queue = [QueuedCommand(message) for message in start.queued]
        self._changed = False
        self._ticks: list[Tick] = []
        self._steps = 0

    @workflow.run
    async def run(self, start: SubscriptionInput) -> Snapshot:
        """Live until TERMINATED."""
        readable(start.schema)
        while self._snapshot.next_step is not None or self._queue:
            await self._sleep()
            if self._step_now() is not None:
                await self._run_step()
            elif self._queue:
                await self._carry_out(self._queue[0])
            if self._time_to_continue():
                await self._continue()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._snapshot

    # waiting

    async def _sleep(self) -> None:
        """Wait until a step is to run, or a command is waiting."""
        while not self._queue and self._step_now() is None and not self._time_to_continue():
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

    def _has_taken(self, tick: Tick) -> bool:
        return (
            self._snapshot.next_step is None or self._snapshot.subscription.version > tick.version
        )

    def _jitter(self) -> timedelta:
        """A stable part of the spread.

        It is the same for all subscriptions of an account, so that groups stay together.
        """
        seconds = self._start.options.jitter_seconds
        return timedelta(
            seconds=zlib.crc32(self._snapshot.subscription.account.encode()) % seconds
            if seconds
            else 0
        )

    # acting

    async def _run_step(self) -> None:
        step, now = self._snapshot.next_step, self._step_now()
        assert step is not None
        assert now is not None
        subscription = self._snapshot.subscription
        try:
            result: StepResult = await drive(
                run_step(step.kind, subscription.id, subscription.version, now), self._start.options
            )
        except FailureError as error:
            # Workers may not know these messages, for example. The workflow lives as long as the
            # subscription does.
            workflow.logger.error("%s does not work: %s", step.kind, error.cause or error)
            await workflow.sleep(_AFTER_A_FAULT)
            return
        self._steps += 1
        self._apply(result.snapshot)
        await self._spread(result.others)

    async def _carry_out(self, queued: QueuedCommand[SubscriptionMessage]) -> None:
        outcome = await queued.carry_out(self._now_of(queued.message), self._start.options)
        await self._spread(outcome.snapshots)
        queued.answer()
        self._queue.remove(queued)

    async def _spread(self, snapshots: Sequence[Snapshot]) -> None:
        """Apply what concerns this subscription, and tell the workflows of the others."""
        for snapshot in snapshots:
            if snapshot.subscription.id == self._snapshot.subscription.id:
                self._apply(snapshot)
            else:
                await tell(snapshot)

    def _now_of(self, message: SubscriptionMessage) -> datetime:
        """A command's business instant. Only on a test clock does the sender name it."""
        return message.now if self._start.on_clock and message.now is not None else workflow.now()

    def _apply(self, snapshot: Snapshot) -> None:
        """Apply what is committed, unless something newer is known."""
        if (
            snapshot.subscription.id == self._snapshot.subscription.id
            and snapshot.subscription.version >= self._snapshot.subscription.version
        ):
            self._snapshot = snapshot
            self._changed = True

    def _time_to_continue(self) -> bool:
        """Whether to continue as new: after some cycles, as soon as no command waits.

        When the history has grown long (a flood of signals), waiting commands go along.
        """
        if self._snapshot.next_step is None or self._step_now() is not None:
            return False
        if workflow.info().is_continue_as_new_suggested():
            return True
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
            workflow.continue_as_new(replace(self._start, snapshot=self._snapshot, queued=queued))

    # commands: see `workflows.command_handlers`

    async def execute(self, message: SubscriptionMessage) -> CommandResult:
        """Put a command in the queue, and wait for its outcome."""
        queued = QueuedCommand(message)
        self._queue.append(queued)
        return await queued.outcome()

    def enqueue(self, message: SubscriptionMessage) -> None:
        """Put a command in the queue, unless it waits there already. Its sender does not wait."""
        command = message.command
        if command.subscription != self._snapshot.subscription.id:
            workflow.logger.warning(
                "a signal was dropped: it is for another subscription",
                extra={"operation": command.do},
            )
        elif all(waiting.message.command != command for waiting in self._queue):
            self._queue.append(QueuedCommand(message))

    def validate(self, message: SubscriptionMessage) -> None:
        """Refuse at once what the table of states refuses (Rule 2).

        The workflow does so only if it knows what is committed, and nothing comes before the
        command.
        """
        command = message.command
        if command.subscription != self._snapshot.subscription.id:
            raise misaddressed(command, command.subscription)
        behind = (
            message.seen_version is None
            or message.seen_version > self._snapshot.subscription.version
        )
        if (
            behind
            or self._queue
            or message.seen_suspended != self._snapshot.suspended
            or self._step_is_due(self._now_of(message))
        ):
            return
        refusal = state_table.refusal(command.do, self._snapshot.subscription)
        if message.seen_suspended and not command.while_suspended:
            refusal = Refusal(
                Rule.SUSPEND_AND_CLOSE,
                f"account {self._snapshot.subscription.account} is suspended",
            )
        if refusal:
            raise refused(refusal)

    def _step_is_due(self, now: datetime) -> bool:
        return self._snapshot.next_step is not None and self._snapshot.next_step.due <= now

    # what others tell it

    @workflow.signal
    def moved(self, snapshot: Snapshot) -> None:
        """Another workflow's transaction has changed the subscription, such as a top-up."""
        if snapshot.next_step is None or snapshot.next_step.due.tzinfo is not None:
            self._apply(snapshot)

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
    def state(self) -> Snapshot:
        """The subscription as last committed."""
        return self._snapshot

    @workflow.query
    def next_step(self) -> Step | None:
        """What it does next by itself, when, by which rule, and why."""
        return self._snapshot.next_step

    @workflow.query
    def schedule(self, steps: int = 12) -> list[Planned]:
        """The next steps and notices, if every renewal is funded and no command comes."""
        plan = schedule(
            self._snapshot.subscription,
            policy.restore(self._snapshot.policy),
            self._snapshot.timezone,
        )
        return [
            _planned(item) for item, _ in zip(plan, range(max(0, min(steps, 500))), strict=False)
        ]

    @workflow.query
    def why_not_renewed(self) -> str:
        """Why the coming cycle is not paid (yet), in words."""
        snapshot = self._snapshot
        return explain.why_not_renewed(
            snapshot.subscription,
            policy.restore(snapshot.policy),
            snapshot.timezone,
            suspended=snapshot.suspended,
        )


async def tell(snapshot: Snapshot) -> None:
    """Tell a subscription's workflow what has become of the subscription.

    A workflow that does not exist yet reads it when it starts.
    """
    handle = workflow.get_external_workflow_handle_for(
        SubscriptionWorkflow.run, subscription_workflow(snapshot.subscription.id)
    )
    try:
        await handle.signal(SubscriptionWorkflow.moved, snapshot)
    except FailureError:
        workflow.logger.info(
            "no workflow to tell", extra={"subscription": snapshot.subscription.id}
        )


def _planned(item: Step | PlannedNotice) -> Planned:
    if isinstance(item, Step):
        return Planned(kind=str(item.kind), due=item.due, rule=item.rule, why=item.why)
    return Planned(
        kind=str(item.kind), due=item.due, rule=Rule.MESSAGES, why="notice to the customer"
    )
