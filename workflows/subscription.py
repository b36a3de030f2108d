"""The workflow of one subscription, from its purchase until it is TERMINATED."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from core.domain import explain, state_table
    from core.domain.commands import SUBSCRIPTION_COMMANDS
    from core.protocol.activity_messages import Snapshot
    from core.protocol.workflow_messages import SubscriptionInput, SubscriptionMessage, readable
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
        known = self._snapshot.subscription
        behind = message.seen_version is None or message.seen_version > known.version
        if behind or self._queue or self._step_is_due(self._now_of(message)):
            return
        if refusal := state_table.refusal(command.do, known):
            raise refused(refusal)

    @workflow.signal
    def moved(self, snapshot: Snapshot) -> None:
        """Another transaction has changed the subscription, such as a top-up."""
        if snapshot.next_step is None or snapshot.next_step.due.tzinfo is not None:
            self._learn(snapshot)

    @workflow.query
    def state(self) -> Snapshot:
        """The subscription as last committed."""
        return self._snapshot

    @workflow.query
    def why_not_renewed(self, suspended: bool = False) -> str:
        """Why the coming cycle is not paid (yet), in words.

        `suspended`: whether the account is suspended.
        """
        known = self._snapshot
        return explain.why_not_renewed(
            known.subscription, known.next_step, known.timezone, suspended=suspended
        )
