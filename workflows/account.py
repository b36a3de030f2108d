"""The workflow of one account. It lives while the account has commands or a next step.

It runs the commands one at a time: top up, settings, suspend, close. Between them it sleeps until
the account's next step, such as the end of the days in which a closed account can be opened again
(Rule 11.8). Before a purchase it runs what is due of the account, if that needs a card charge.
"""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from core.domain.commands import ACCOUNT_COMMANDS
    from core.protocol.activity_messages import AccountSnapshot
    from core.protocol.call_sequences import catch_up
    from core.protocol.workflow_messages import AccountInput, AccountMessage, readable
    from workflows.activity_driver import PERSON, drive
    from workflows.command_handlers import handles_commands, misaddressed, refused
    from workflows.subject_workflow import SubjectWorkflow


@workflow.defn(name="Account")
@handles_commands(
    {do: command for do, command in ACCOUNT_COMMANDS.items() if command.through_workflow},
    AccountMessage,
)
class AccountWorkflow(SubjectWorkflow[AccountSnapshot, AccountMessage]):
    """One account."""

    @workflow.init
    def __init__(self, start: AccountInput) -> None:
        super().__init__(start, start.snapshot, start.queued)
        self._asked_to_catch_up = False

    @workflow.run
    async def run(self, start: AccountInput) -> None:
        """Live until the account has neither a command nor a next step."""
        readable(start.schema)
        # An update that starts the workflow arrives after the start.
        await workflow.wait_condition(
            lambda: (
                bool(self._queue)
                or bool(self._ticks)
                or self._snapshot.next_step is not None
                or self._asked_to_catch_up
            )
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
        """Another transaction has changed the account, or a step that is due was slept over."""
        self._learn(snapshot)

    @workflow.update
    async def catch_up(self, now: datetime | None) -> None:
        """Run what is due of the account. `now`: the virtual now of a test clock, or None."""
        self._asked_to_catch_up = True
        everything = catch_up(self._snapshot.account, now or workflow.now())
        await drive(everything, self._start.options, PERSON)

    @workflow.query
    def state(self) -> AccountSnapshot:
        """The account as last committed."""
        return self._snapshot
