"""Withdraw the changes that are pending (Rule 9)."""

from activities import numbers
from activities.changes import record
from core.domain import changes
from core.domain.commands.withdraw_changes import WithdrawChanges, WithdrawChangesResult
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def withdraw_changes(
    work: Work, command: WithdrawChanges, subscription: Subscription
) -> CommandResult:
    """Drop every change that is pending. What is paid for stays.

    A number that was added at renewal is given back.
    """
    changed = changes.withdraw(subscription)
    withdrawn = len(subscription.pending)
    result = WithdrawChangesResult(subscription=subscription.id, withdrawn=withdrawn)
    numbers.withdraw(work, subscription, changed, command.actor)
    return record(work, command, Event.CHANGES_WITHDRAWN, changed, result, withdrawn=withdrawn)
