"""Suspend: stop an account (Rule 11.8)."""

from activities.account_settings import change_settings
from core.domain.commands.suspend import Suspend, SuspendResult
from core.domain.events import Event
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def suspend(work: Work, command: Suspend) -> CommandResult:
    """Suspend the account. Its service, renewals and most commands stop until it is resumed."""
    result = SuspendResult(account=work.account.id)
    return change_settings(work, command, result, {"suspended": True}, Event.ACCOUNT_SUSPENDED)
