"""Add a number, from today on or with the next paid cycle (Rules 3.4, 9, 10.1, 10.2)."""

from activities.changes import NO_CHARGE, check_new_prices, prorate, record
from activities.command_checks import check_sku, covered
from activities.numbers import acquire, charge_activation, leave_as_planned
from core.domain import changes
from core.domain.activation_fees import fees_of, total_of
from core.domain.catalog import SkuKind
from core.domain.commands.add_number import AddNumber, AddNumberResult
from core.domain.commands.changes import When
from core.domain.events import Event
from core.domain.number_changes import (
    add_at_renewal,
    coming,
    fee_is_due,
    pays_activation,
    priced,
)
from core.domain.numbers import Wanted, check_takeable
from core.domain.subscription import Subscription
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def add_number(work: Work, command: AddNumber, subscription: Subscription) -> CommandResult:
    """Take the number into use. From today on, it costs the prorated fee and the activation fee."""
    check_sku(work, command.sku, (SkuKind.NUMBER,), "is no number")
    due = _take(work, command, subscription)
    prorated, fees = NO_CHARGE, []
    if command.when is When.RENEWAL:
        changed = add_at_renewal(subscription, command.number, command.sku, fee_due=due)
        check_new_prices(work, subscription, changed)
    else:
        wanted = priced(command.number, command.sku)
        changed = changes.from_today(subscription, wanted, work.today)
        prorated = prorate(work, subscription, wanted)
        if due and command.invoice_number is None and pays_activation(subscription):
            added = {command.number: command.sku}
            fees = fees_of(added, work.catalog, work.account.currency, work.today)
        if command.invoice_number is None:
            covered(work, prorated.amount + total_of(fees), command.rule)
    if command.number in coming(subscription):
        own = numbers.in_use(work, subscription.id, command.number)
        leave_as_planned(work, changed, own, command.actor)
    result = AddNumberResult(
        subscription=subscription.id,
        number=command.number,
        sku=command.sku,
        amount=prorated.amount,
        activation_fee=total_of(fees),
        currency=work.account.currency,
        at_renewal=command.when is When.RENEWAL,
        external_invoice=command.invoice_number,
    )
    done = record(
        work,
        command,
        Event.NUMBER_ADDED,
        changed,
        result,
        prorated,
        number=command.number,
        sku=command.sku,
        when=command.when,
    )
    charge_activation(work, subscription.id, fees, command.actor)
    return done


def _take(work: Work, command: AddNumber, subscription: Subscription) -> bool:
    """Take the number into use. Returns whether its activation fee is still to be charged.

    A number that is to leave, or that was added at renewal, is in use already. It stays. Raises
    `Refused` 10.2 when the number cannot be had.
    """
    if command.number in coming(subscription):
        own = numbers.in_use(work, subscription.id, command.number)
        if own.sku != command.sku:
            check_takeable(own, work.account.id)
        return fee_is_due(subscription, command.number)
    wanted = Wanted(number=command.number, sku=command.sku, hold=command.hold)
    return bool(acquire(work, subscription.id, [wanted], actor=command.actor).with_fee)
