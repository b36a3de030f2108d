"""The workflow of one subscription, from its purchase until it is TERMINATED."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from core.domain import explain, policy, state_table
    from core.domain.commands import SUBSCRIPTION_COMMANDS
    from core.domain.planner.notices import PlannedNotice
    from core.domain.planner.schedule import schedule
    from core.domain.refusal import Refusal
    from core.domain.rules import Rule
    from core.domain.steps import Step
    from core.protocol.activity_messages import Snapshot
    from core.protocol.workflow_messages import (
        Planned,
        SubscriptionInput,
        SubscriptionMessage,
        readable,
    )
    from workflows.command_handlers import handles_commands, misaddressed, refused
    from workflows.queued_command import QueuedCommand
    from workflows.subject_workflow import SubjectWorkflow


@workflow.defn(name="Subscription")
@handles_commands(SUBSCRIPTION_COMMANDS, SubscriptionMessage, signals=True)
class SubscriptionWorkflow(SubjectWorkflow[Snapshot, SubscriptionMessage]):
    """One subscription."""

    @workflow.init
    def __init__(self, start: SubscriptionInput) -> None:
        super().__init__(start, start.snapshot, start.queued)

    @workflow.run
    async def run(self, start: SubscriptionInput) -> Snapshot:
        """Live until TERMINATED."""
        readable(start.schema)
        await self._live()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._snapshot

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

    @workflow.signal
    def moved(self, snapshot: Snapshot) -> None:
        """Another workflow's transaction has changed the subscription, such as a top-up."""
        if snapshot.next_step is None or snapshot.next_step.due.tzinfo is not None:
            self._apply(snapshot)

    @workflow.query
    def state(self) -> Snapshot:
        """The subscription as last committed."""
        return self._snapshot

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


def _planned(item: Step | PlannedNotice) -> Planned:
    if isinstance(item, Step):
        return Planned(kind=str(item.kind), due=item.due, rule=item.rule, why=item.why)
    return Planned(
        kind=str(item.kind), due=item.due, rule=Rule.MESSAGES, why="notice to the customer"
    )
