"""The workflow of one account. It lives while the account has commands or a next step.

It runs the commands one at a time: top up, card, settings, suspend, close, and a purchase if a step
of the account is due before it. Between them it sleeps until the account's next step, such as the
end of the days in which a closed account can be opened again (Rule 11.8). After each command it
tells the workflows of the subscriptions that changed. A top-up renews failed groups (Rule 5.4).
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from core.domain.commands import ACCOUNT_COMMANDS
    from core.protocol.activity_messages import AccountSnapshot
    from core.protocol.workflow_messages import AccountInput, AccountMessage, readable
    from workflows.command_handlers import handles_commands, misaddressed, refused
    from workflows.subject_workflow import SubjectWorkflow


@workflow.defn(name="Account")
@handles_commands(ACCOUNT_COMMANDS, AccountMessage)
class AccountWorkflow(SubjectWorkflow[AccountSnapshot, AccountMessage]):
    """One account."""

    @workflow.init
    def __init__(self, start: AccountInput) -> None:
        super().__init__(start, start.snapshot, start.queued)

    @workflow.run
    async def run(self, start: AccountInput) -> None:
        """Live until the account has neither a command nor a next step."""
        readable(start.schema)
        # An update that starts the workflow arrives after the start.
        await workflow.wait_condition(
            lambda: bool(self._queue) or bool(self._ticks) or self._snapshot.next_step is not None
        )
        while self._has_work():
            await self._live()
            await workflow.wait_condition(
                lambda: bool(self._queue) or workflow.all_handlers_finished()
            )

    def _has_work(self) -> bool:
        return (
            bool(self._queue)
            or self._snapshot.next_step is not None
            or not workflow.all_handlers_finished()
        )

    def validate(self, message: AccountMessage) -> None:
        """Refuse at once a command that would change nothing, if nothing comes before it."""
        command, known = message.command, self._snapshot
        if command.account != known.account:
            raise misaddressed(command, command.account)
        if self._queue or self._step_is_due(self._now_of(message)):
            return
        refusal = command.changes_nothing(
            known.account, suspended=known.suspended, closed=known.closed
        )
        if refusal:
            raise refused(refusal)

    @workflow.signal
    def moved(self, snapshot: AccountSnapshot) -> None:
        """Reconciliation has found that the workflow sleeps over a step that is due."""
        self._apply(snapshot)

    @workflow.query
    def state(self) -> AccountSnapshot:
        """The account as last committed."""
        return self._snapshot
