"""The commands on one account, one at a time: top up, card, settings, suspend, resume, and a purchase when something is due before it. It lives
as long as there are commands.

After each it tells the workflows of the subscriptions that changed with it: a top-up renews failed groups (Rule 5.4), a suspension concerns all, and
what was due of the account was taken before (Rule 1.6).
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from core.domain.refusal import Refusal
    from core.domain.rules import Rule
    from core.protocol.activity_messages import CommandResult
    from core.protocol.workflow_messages import AccountInput, AccountMessage, readable
    from workflows.queued_command import Accepted
    from workflows.subscription import tell


@workflow.defn(name="Account")
class AccountWorkflow:
    """See the module."""

    @workflow.init
    def __init__(self, start: AccountInput) -> None:
        self._options = start.options
        self._account = start.account
        self._suspended = start.suspended
        self._queue: list[Accepted[AccountMessage]] = []

    @workflow.run
    async def run(self, start: AccountInput) -> None:
        """Carry out commands until there is none left."""
        readable(start.schema)
        await workflow.wait_condition(lambda: bool(self._queue))
        while self._queue or not workflow.all_handlers_finished():
            while self._queue:
                await self._carry_out(self._queue[0])
            await workflow.wait_condition(
                lambda: bool(self._queue) or workflow.all_handlers_finished()
            )

    async def _carry_out(self, accepted: Accepted[AccountMessage]) -> None:
        command = accepted.message.command
        result = await accepted.carry_out(accepted.message.now or workflow.now(), self._options)
        if result.facts and not result.replayed and command.do in ("suspend", "resume"):
            self._suspended = command.do == "suspend"
        for snapshot in result.snapshots:
            await tell(snapshot)
        accepted.answer()
        self._queue.remove(accepted)

    async def _command(self, message: AccountMessage) -> CommandResult:
        accepted = Accepted(message)
        self._queue.append(accepted)
        return await accepted.outcome()

    def _check(self, message: AccountMessage, name: str) -> None:
        command = message.command
        if command.do != name or command.account != self._account:
            raise ApplicationError(
                f"{command.do} of {command.account} does not belong here",
                type="Misaddressed",
                non_retryable=True,
            )
        refusal = None
        if not self._queue and name == "suspend" and self._suspended:
            refusal = Refusal(
                Rule.SUSPEND_AND_CLOSE, f"account {self._account} is suspended already"
            )
        if not self._queue and name == "resume" and not self._suspended:
            refusal = Refusal(Rule.SUSPEND_AND_CLOSE, f"account {self._account} is not suspended")
        if refusal:
            raise ApplicationError(
                str(refusal), refusal.rule, refusal.reason, type="Refused", non_retryable=True
            )

    @workflow.update
    async def top_up(self, message: AccountMessage) -> CommandResult:
        """Rule 5.4."""
        return await self._command(message)

    @top_up.validator
    def _may_top_up(self, message: AccountMessage) -> None:
        self._check(message, "top_up")

    @workflow.update
    async def set_card(self, message: AccountMessage) -> CommandResult:
        """Rule 5.3."""
        return await self._command(message)

    @set_card.validator
    def _may_set_card(self, message: AccountMessage) -> None:
        self._check(message, "set_card")

    @workflow.update(name="set")
    async def set_account(self, message: AccountMessage) -> CommandResult:
        """Rules 5.3, 11.1."""
        return await self._command(message)

    @set_account.validator
    def _may_set(self, message: AccountMessage) -> None:
        self._check(message, "set")

    @workflow.update
    async def suspend(self, message: AccountMessage) -> CommandResult:
        """Rule 11.8."""
        return await self._command(message)

    @suspend.validator
    def _may_suspend(self, message: AccountMessage) -> None:
        self._check(message, "suspend")

    @workflow.update
    async def purchase(self, message: AccountMessage) -> CommandResult:
        """Rule 4.1, when something of the account is due that comes first."""
        return await self._command(message)

    @purchase.validator
    def _may_purchase(self, message: AccountMessage) -> None:
        self._check(message, "purchase")

    @workflow.update
    async def resume(self, message: AccountMessage) -> CommandResult:
        """Rule 11.8."""
        return await self._command(message)

    @resume.validator
    def _may_resume(self, message: AccountMessage) -> None:
        self._check(message, "resume")
