"""Swap a number for another one of the same SKU (Rules 9, 10.1, 10.2)."""

from activities.changes import record
from activities.numbers import acquire, leave_as_planned
from core.domain.commands.swap_number import SwapNumber, SwapNumberResult
from core.domain.events import Event
from core.domain.number_changes import swap
from core.domain.numbers import Cause, Wanted
from core.domain.refusal import Refused
from core.domain.subscription import Subscription
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def swap_number(work: Work, command: SwapNumber, subscription: Subscription) -> CommandResult:
    """Give a number back, and take another one of the same SKU in its place. It costs nothing."""
    old = numbers.in_use(work, subscription.id, command.number)
    sku = command.sku or old.sku
    if sku != old.sku:
        raise Refused(
            command.rule, f"{command.number} is of SKU {old.sku}; a swap stays within the SKU"
        )
    acquire(work, subscription.id, [Wanted(number=command.to, sku=sku)], actor=command.actor)
    numbers.give_back(work, subscription.id, Cause.SWAPPED, [command.number], actor=command.actor)
    changed = swap(subscription, command.number, command.to, sku, work.today)
    if old.until is not None:
        work.flush()  # From now on the new number is one of the subscription.
        new = numbers.in_use(work, subscription.id, command.to)
        leave_as_planned(work, changed, new, command.actor)
    result = SwapNumberResult(subscription=subscription.id, number=command.number, to=command.to)
    return record(
        work, command, Event.NUMBER_SWAPPED, changed, result, number=command.to, old=command.number
    )
