"""The charge of activation fees: deducted at once, invoiced at the end of the month (Rule 10.1)."""

from collections.abc import Iterable

from core.domain.activation_fees import ActivationFee
from core.domain.events import Event
from core.domain.rules import Rule
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work


def charge_activation(
    work: Work, subscription: str, fees: Iterable[ActivationFee], actor: str = "perennial"
) -> None:
    """Charge the wallet for the activation of numbers, with an operation and an event for each.

    The caller has checked that usable covers them. The operation that has added the numbers is in
    the same transaction, so a repetition of its request charges nothing (Rule 11.3).
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
