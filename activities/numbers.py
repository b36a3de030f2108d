"""What use cases do with the numbers of a subscription (Rules 9, 10.1, 10.2)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from core.domain.activation_fees import ActivationFee
from core.domain.events import Event
from core.domain.number_changes import coming, has_numbers, leaves_on, leaving, pending
from core.domain.numbers import Cause, HoldKind, Number, Wanted
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger import double_entry, numbers
from core.ledger.double_entry import Purpose
from core.ledger.numbers import Taken
from core.ledger.unit_of_work import Work


class Acquired(NamedTuple):
    """Numbers that were taken into use, with their SKUs. `with_fee`: those with an activation fee.

    A number that was brought along costs none, nor does one that is bought again soon (Rule 10.1).
    """

    numbers: dict[str, str]
    with_fee: dict[str, str]


def acquire(
    work: Work,
    subscription: str,
    wanted: Sequence[Wanted],
    pick: Mapping[str, int] | None = None,
    actor: str = "perennial",
) -> Acquired:
    """Take numbers into use by a subscription: those that are named, and free ones of some SKUs.

    `pick`: how many free ones by SKU, default none. Raises `Refused` 10.2.
    """
    taken = {it.number.number: it for it in numbers.take(work, subscription, wanted, actor)}
    in_order = [taken[one.number] for one in wanted]
    for sku, count in (pick or {}).items():
        in_order += numbers.pick(work, subscription, sku, count, actor)
    return Acquired(
        {it.number.number: it.number.sku for it in in_order},
        {it.number.number: it.number.sku for it in in_order if _costs_fee(it)},
    )


def _costs_fee(taken: Taken) -> bool:
    return not taken.bought_again and taken.number.hold is not HoldKind.BYOI


def leave_as_planned(
    work: Work, subscription: Subscription, number: Number, actor: str = "perennial"
) -> None:
    """Let the inventory know when a number leaves, after its changes to come have changed."""
    day = leaves_on(subscription, number.number)
    if (number.until is None) != (day is None):
        numbers.leave_on(work, subscription.id, [number.number], day, actor)


def withdraw(work: Work, before: Subscription, after: Subscription, actor: str) -> None:
    """Give back what was added at renewal, when the pending changes are withdrawn (Rule 9)."""
    for number in pending(before):
        found = numbers.in_use(work, after.id, number)
        if number in after.numbers or number in coming(after):
            leave_as_planned(work, after, found, actor)
        else:
            numbers.give_back(work, after.id, Cause.REMOVED, [number], actor=actor)


def charge_activation(
    work: Work, subscription: str, fees: Iterable[ActivationFee], actor: str = "perennial"
) -> None:
    """Charge the wallet for the activation of numbers, with an operation and an event for each.

    They are deducted at once and invoiced at the end of the month. The caller has checked that
    usable covers them. The operation that has added the numbers is in the same transaction, so a
    repetition of its request charges nothing (Rule 11.3).
    """
    for fee in fees:
        operation = work.operation(Purpose.ACTIVATION_FEE, {}, subscription=subscription)
        work.post(operation, double_entry.fee(fee.amount))
        work.wait_for_monthly_invoice(operation, fee.line)
        work.event(
            Event.ACTIVATION_FEE,
            Rule.ACTIVATION_FEE,
            subscription=subscription,
            amount=-fee.amount,
            actor=actor,
            operation=operation,
            number=fee.number,
        )


def leave_with_cycle(
    work: Work, before: Subscription, begin: date, actor: str = "perennial"
) -> None:
    """Numbers that were removed "at renewal" leave with the cycle that was paid (Rule 10.1).

    `before`: the subscription as it was before the payment.
    `begin`: the first day of the cycle.
    """
    if going := leaving(before):
        numbers.leave_on(work, before.id, going, begin, actor)


def hold_after_expiry(work: Work, before: Subscription, expired: Subscription) -> None:
    """A subscription has expired, so its numbers are held from the day that was marked (10.2)."""
    if has_numbers(before):
        numbers.give_back(work, expired.id, Cause.EXPIRED, on=expired.expired_on)


def give_back_all(
    work: Work, subscription: Subscription, cause: Cause, actor: str = "perennial"
) -> None:
    """A subscription has ended, so its numbers are held, or go on being held (Rule 10.2)."""
    if has_numbers(subscription):
        numbers.give_back(work, subscription.id, cause, actor=actor)
