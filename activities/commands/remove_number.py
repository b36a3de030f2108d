"""Remove a number, now or with the next paid cycle (Rules 9, 10.1, 10.2)."""

from activities.changes import record
from activities.numbers import leave_as_planned
from core.domain import changes
from core.domain.commands.changes import When
from core.domain.commands.remove_number import RemoveNumber, RemoveNumberResult
from core.domain.events import Event
from core.domain.number_changes import priced, remove_at_renewal
from core.domain.numbers import Cause
from core.domain.subscription import ZERO, Subscription
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def remove_number(work: Work, command: RemoveNumber, subscription: Subscription) -> CommandResult:
    """Give the number back now, or let it leave with the next paid cycle. Nothing is refunded."""
    own = numbers.in_use(work, subscription.id, command.number)
    if command.when is When.RENEWAL:
        changed = remove_at_renewal(subscription, command.number)
        leave_as_planned(work, changed, own, command.actor)
    else:
        changed = changes.from_today(subscription, priced(command.number, None), work.today)
        numbers.give_back(
            work, subscription.id, Cause.REMOVED, [command.number], actor=command.actor
        )
    result = RemoveNumberResult(
        subscription=subscription.id,
        number=command.number,
        amount=ZERO,
        currency=work.account.currency,
        at_renewal=command.when is When.RENEWAL,
    )
    return record(
        work,
        command,
        Event.NUMBER_REMOVED,
        changed,
        result,
        number=command.number,
        when=command.when,
    )
