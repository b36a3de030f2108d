"""Set card: the stored card of an account (Rule 5.3)."""

from activities.account_settings import change_settings
from core.domain.commands.set_card import SetCard, SetCardResult
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def set_card(work: Work, command: SetCard) -> CommandResult:
    """Store a card, or remove it. It sets off no retry (Rule 5.4)."""
    result = SetCardResult(account=work.account.id)
    return change_settings(work, command, result, {"card": command.card})
