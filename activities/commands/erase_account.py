"""Erase account: mark a closed account as erased (Rule 11.8, docs/decisions/0038).

This transaction makes sure that the account has nothing left to do, and that no later command is
accepted. The rows are erased after its commit, page by page (`core.ledger.erasures`).
"""

from activities.account_settings import change_settings
from core.domain import account_erasure
from core.domain.commands.erase_account import EraseAccount, EraseAccountResult
from core.domain.events import Event
from core.domain.money import plain
from core.domain.refusal import Refused
from core.ledger import erasures
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def erase_account(work: Work, command: EraseAccount) -> CommandResult:
    """Mark the account. Refused while it is open, or has something left."""
    if left := _left(work):
        raise Refused(command.rule, left)
    account = work.account
    count, newest = erasures.kept(work.connection, account.id, work.today, command.invoice_years)
    until = None if newest is None else account_erasure.kept_until(newest, command.invoice_years)
    result = EraseAccountResult(account=account.id, kept_invoices=count, kept_until=until)
    work.save_account(account_erasure.erased(account, work.today))
    erasures.note(
        work.connection,
        account.id,
        account.seller,
        at=work.now,
        years=command.invoice_years,
        kept_until=until,
    )
    return change_settings(work, command, result, {}, Event.ACCOUNT_ERASED)


def _left(work: Work) -> str | None:
    """What the account has left, and what to do about it. None: it can be erased."""
    account = work.account
    id_ = account.id
    if account.closed_on is None:
        return f"account {id_} is open; close it first"
    for amount, what in (
        (account.balance, "a balance of"),
        (account.unbilled, "unbilled"),
        (account.reserved, "reserved"),
        (account.liability, "a liability of"),
    ):
        if amount:
            written = f"{plain(amount, account.currency)} {account.currency}"
            return f"account {id_} has {what} {written}; settle it first"
    if charge := work.open_card_charge():
        return (
            f"card charge {charge} of account {id_} is still pending; "
            "try again after reconciliation has settled it"
        )
    return erasures.left(work.connection, id_)
