"""Resume: end the suspension of an account (Rule 11.8)."""

from activities.account_settings import change_settings
from core.domain.commands.resume import Resume, ResumeResult
from core.domain.events import Event
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def resume(work: Work, command: Resume) -> CommandResult:
    """Resume the account. This does not retry failed renewals (Rule 5.6)."""
    result = ResumeResult(account=work.account.id)
    return change_settings(work, command, result, {"suspended": False}, Event.ACCOUNT_RESUMED)
