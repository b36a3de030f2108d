"""Which commands a subscription or an account takes as it stands, and which rules refuse others.

It judges by the description of each command: the account (Rule 11.8) and the table of states (Rule
2). A command on a number, a member or a pending change is refused where there is none (Rule 9).
Arguments, prices and funds are judged by the preview of a command.
"""

from collections.abc import Mapping

from activities.command_checks import check_open
from core.domain import state_table
from core.domain.commands import ACCOUNT_COMMANDS, SUBSCRIPTION_COMMANDS
from core.domain.commands.base import Command
from core.domain.commands.remove_number import RemoveNumber
from core.domain.commands.swap_number import SwapNumber
from core.domain.commands.unshare import Unshare
from core.domain.commands.withdraw_changes import WithdrawChanges
from core.domain.refusal import Refusal, Refused
from core.domain.subscription import Account
from core.ledger.ledger import Ledger
from core.ledger.rows import account_from
from doors.queries.snapshot import FoundSubscription, open_snapshot

Possible = Mapping[str, Refusal | None]
"""For each command by its `do`, the refusal, or None where it is possible."""


def possible_on_subscription(ledger: Ledger, id_: str) -> Possible:
    """The commands on a subscription. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        found = snapshot.subscription(id_)
        account = account_from(snapshot.account_row(found.row.account))
    return {
        do: _halted(command, account)
        or state_table.refusal(do, found.subscription)
        or _without(command, found)
        for do, command in SUBSCRIPTION_COMMANDS.items()
    }


def possible_on_account(ledger: Ledger, id_: str) -> Possible:
    """The commands on an account. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        account = account_from(snapshot.account_row(id_))
    closed = account.closed_on is not None
    return {
        do: command.changes_nothing(id_, suspended=account.suspended, closed=closed)
        or _halted(command, account)
        for do, command in ACCOUNT_COMMANDS.items()
    }


def _without(command: type[Command], found: FoundSubscription) -> Refusal | None:
    """The refusal of a command on something that the subscription does not have."""
    it = found.subscription
    if command in (RemoveNumber, SwapNumber) and not (it.numbers or it.next_contents.numbers):
        return Refusal(command.rule, "it has no number")
    if command is Unshare and not found.row.members:
        return Refusal(command.rule, "it is shared with no one")
    if command is WithdrawChanges and not it.pending:
        return Refusal(command.rule, "no change is pending")
    return None


def _halted(command: type[Command], account: Account) -> Refusal | None:
    try:
        check_open(command, account)
    except Refused as refused:
        return refused.refusal
    return None
