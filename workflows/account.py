"""The workflow of the commands on one account, which runs them one at a time.

It lives as long as there are commands: top up, card, settings, suspend, resume, and a purchase if
a step of the account is due before it. After each command it tells the workflows of the
subscriptions that changed. A top-up renews failed groups (Rule 5.4), a suspension concerns all
subscriptions, and steps of the account that were due have run before (Rule 1.6).
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from core.domain.commands import ACCOUNT_COMMANDS
    from core.domain.commands.resume import ResumeResult
    from core.domain.commands.suspend import SuspendResult
    from core.protocol.activity_messages import CommandResult
    from core.protocol.workflow_messages import AccountInput, AccountMessage, readable
    from workflows.command_handlers import handles_commands, misaddressed, refused
    from workflows.queued_command import QueuedCommand
    from workflows.subscription import tell


@workflow.defn(name="Account")
@handles_commands(ACCOUNT_COMMANDS, AccountMessage)
class AccountWorkflow:
    """The commands on one account."""

    @workflow.init
    def __init__(self, start: AccountInput) -> None:
        self._options = start.options
        self._account = start.account
        self._suspended = start.suspended
        self._queue: list[QueuedCommand[AccountMessage]] = []

    @workflow.run
    async def run(self, start: AccountInput) -> None:
        """Carry out commands until none is left."""
        readable(start.schema)
        await workflow.wait_condition(lambda: bool(self._queue))
        while self._queue or not workflow.all_handlers_finished():
            while self._queue:
                await self._carry_out(self._queue[0])
            await workflow.wait_condition(
                lambda: bool(self._queue) or workflow.all_handlers_finished()
            )

    async def _carry_out(self, queued: QueuedCommand[AccountMessage]) -> None:
        outcome = await queued.carry_out(queued.message.now or workflow.now(), self._options)
        if not outcome.replayed and isinstance(outcome.result, SuspendResult | ResumeResult):
            self._suspended = isinstance(outcome.result, SuspendResult)
        for snapshot in outcome.snapshots:
            await tell(snapshot)
        queued.answer()
        self._queue.remove(queued)

    # commands: see `workflows.command_handlers`

    async def execute(self, message: AccountMessage) -> CommandResult:
        """Put a command in the queue, and wait for its outcome."""
        queued = QueuedCommand(message)
        self._queue.append(queued)
        return await queued.outcome()

    def validate(self, message: AccountMessage) -> None:
        """Refuse at once a command that would change nothing, if no other command is waiting."""
        command = message.command
        if command.account != self._account:
            raise misaddressed(command, command.account)
        if not self._queue and (refusal := command.changes_nothing(self._account, self._suspended)):
            raise refused(refusal)
