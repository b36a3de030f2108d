"""Terminate: end a subscription, with its refund, in one transaction (Rules 8.2, 8.3, 8.4)."""

from sqlalchemy import func, select

from core.domain import commands, lifecycle, refunds
from core.domain.commands.terminate import Terminate, TerminateResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.refunds import PaidPeriod, Refund
from core.domain.subscription import ZERO, Subscription
from core.ledger.tables import PeriodRow, RefundRow
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def terminate(work: Work, command: Terminate, subscription: Subscription) -> CommandResult:
    """End a subscription for good, and refund what the rules give back.

    The refund goes to the wallet of the account that paid, as a credit note.
    """
    back = quote(work, subscription)
    result = TerminateResult(
        subscription=subscription.id,
        expiry=subscription.expiry,
        refund=back.amount,
        currency=work.account.currency,
    )
    operation = work.operation(
        "terminate",
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
        work.post(operation, wallet=back.amount, refunds=-given, fees=back.admin_fee)
        work.refund(operation, back.periods)
        lines = [Line("Refund", -amount) for amount in back.periods.values()]
        if back.admin_fee:
            lines.append(Line("Administrative fee", back.admin_fee))
        work.invoice(operation, "credit_note", lines, -back.amount)
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
    return CommandResult(result=result, snapshots=(ended,))


def quote(work: Work, subscription: Subscription) -> Refund:
    """The refund that terminating today would give."""
    refunded = (
        select(func.coalesce(func.sum(RefundRow.amount), 0))
        .where(RefundRow.period == PeriodRow.id)
        .scalar_subquery()
    )
    query = (
        select(PeriodRow.__table__, refunded.label("refunded"))
        .where(PeriodRow.subscription == subscription.id)
        .order_by(PeriodRow.start)
    )
    periods = [
        PaidPeriod(
            row.id,
            row.start,
            row.expiry,
            row.months,
            row.paid,
            row.refunded,
            work.catalog.refundable(row.sku, work.today),
        )
        for row in work.connection.execute(query)
    ]
    return refunds.refund(periods, work.policy, work.today, work.account.currency)
