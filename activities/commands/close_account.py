"""Close an account: nothing is ACTIVE, and no money is left or on its way (Rule 11.8)."""

from datetime import timedelta

from activities.account_settings import change_account
from core.domain import account_closing
from core.domain.commands.close_account import CloseAccount, CloseAccountResult
from core.domain.events import Event
from core.domain.money import plain
from core.domain.refusal import Refused
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def close_account(work: Work, command: CloseAccount) -> CommandResult:
    """Close the account. Its next step closes it for good."""
    account = work.account
    if active := work.an_active_subscription():
        raise Refused(command.rule, f"{active} of {account.id} is ACTIVE; terminate it first")
    if account.unbilled:
        unbilled = f"{plain(account.unbilled, account.currency)} {account.currency}"
        raise Refused(
            command.rule,
            f"account {account.id} has {unbilled} unbilled; close it after the next invoice",
        )
    if account.balance:
        balance = f"{plain(account.balance, account.currency)} {account.currency}"
        todo = "withdraw its credits" if account.balance > 0 else "pay its debts"
        raise Refused(
            command.rule, f"account {account.id} has a balance of {balance}; {todo} first"
        )
    if charge := work.open_card_charge():
        raise Refused(
            command.rule,
            f"card charge {charge} of account {account.id} is still pending; "
            "try again after reconciliation has settled it",
        )
    until = work.today + timedelta(days=work.policy.account_closing_days)
    return change_account(
        work,
        command,
        CloseAccountResult(account=account.id, until=until),
        account_closing.close(account, work.today),
        Event.ACCOUNT_CLOSED,
    )
