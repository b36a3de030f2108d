"""Terminate: end a subscription, with its refund, in one transaction (Rules 8.2, 8.3, 8.4)."""

from core.domain import commands, lifecycle, refunds
from core.domain.commands.terminate import Terminate, TerminateResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.refunds import Refund
from core.domain.subscription import ZERO, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.period_amounts import paid_periods
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def terminate(work: Work, command: Terminate, subscription: Subscription) -> CommandResult:
    """End a subscription for good, and refund what the rules give back.

    The refund goes to the wallet of the account that paid, as a credit note.
    """
    back = _refund(work, subscription)
    result = TerminateResult(
        subscription=subscription.id,
        expiry=subscription.expiry,
        refund=back.amount,
        currency=work.account.currency,
    )
    operation = work.operation(
        Purpose.TERMINATE,
        commands.stored(result),
        subscription=subscription.id,
        cycle=subscription.expiry,
        command=command,
    )
    work.event(
        Event.TERMINATED,
        command.rule,
        subscription=subscription.id,
        actor=command.actor,
        operation=operation,
        reason=command.reason,
    )
    given = sum(back.periods.values(), ZERO)
    if given:
        work.post(operation, double_entry.refund(given, back.admin_fee))
        work.refund(operation, back.periods)
        lines = [Line("Refund", -amount) for amount in back.periods.values()]
        if back.admin_fee:
            lines.append(Line("Administrative fee", back.admin_fee))
        work.invoice(operation, InvoiceKind.CREDIT_NOTE, lines, -back.amount)
        if back.amount:
            work.event(
                Event.REFUNDED,
                command.rule,
                subscription=subscription.id,
                amount=back.amount,
                actor=command.actor,
                operation=operation,
            )
    ended = work.save(lifecycle.terminate(subscription, work.today))
    return CommandResult(result=result, snapshot=ended)


def _refund(work: Work, subscription: Subscription) -> Refund:
    """The refund that terminating today would give."""
    periods = paid_periods(
        work.connection, subscription.id, lambda sku: work.catalog.refundable(sku, work.today)
    )
    return refunds.refund(periods, work.policy, work.today, work.account.currency)
