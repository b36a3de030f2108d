"""Open a closed account again, as long as it is not closed for good (Rule 11.8)."""

from activities.account_settings import change_account
from core.domain import account_closing
from core.domain.commands.reopen_account import ReopenAccount, ReopenAccountResult
from core.domain.events import Event
from core.domain.refusal import Refused
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def reopen_account(work: Work, command: ReopenAccount) -> CommandResult:
    """Open the account again. The step that would close it for good is dropped."""
    if work.account.closed_for_good:
        raise Refused(command.rule, f"account {work.account.id} is closed for good")
    return change_account(
        work,
        command,
        ReopenAccountResult(account=work.account.id),
        account_closing.reopen(work.account),
        Event.ACCOUNT_REOPENED,
    )
