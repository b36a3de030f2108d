"""Set account: the credit limit and the switch *renew by card* (Rules 5.3, 11.1)."""

from typing import Any

from activities.account_settings import change_settings, check_amount
from core.domain.commands.set_account import SetAccount, SetAccountResult
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def set_account(work: Work, command: SetAccount) -> CommandResult:
    """Change what the command names. This does not retry failed renewals (Rule 5.4)."""
    result = SetAccountResult(
        account=work.account.id,
        currency=work.account.currency,
        credit_limit=command.credit_limit,
        credit_limit_until=command.credit_limit_until,
        renew_by_card=command.renew_by_card,
    )
    return change_settings(work, command, result, _values(command))


def _values(command: SetAccount) -> dict[str, Any]:
    """The columns that change. A new credit limit without a last day never ends (Rule 11.1)."""
    values: dict[str, Any] = {}
    if command.credit_limit is not None:
        check_amount(command.credit_limit, "a credit limit", Rule.USABLE)
        if command.credit_limit < 0:
            raise Refused(Rule.USABLE, f"a credit limit of {command.credit_limit:f} is negative")
        values["credit_limit"] = command.credit_limit
    if command.credit_limit is not None or command.credit_limit_until is not None:
        values["credit_limit_until"] = command.credit_limit_until
    if command.renew_by_card is not None:
        values["renew_by_card"] = command.renew_by_card
    return values
