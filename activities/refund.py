"""Terminate by command, with its refund, in one transaction (Rules 8.2, 8.3, 8.4)."""

from sqlalchemy import func, select

from activities.command_checks import on_subscription
from activities.payments import done
from core.domain import lifecycle, refunds
from core.domain.commands import Terminate
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.money import plain
from core.domain.refunds import PaidPeriod, Refund
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription
from core.ledger.tables import PeriodRow, RefundRow
from core.ledger.unit_of_work import Ledger, Work
from core.protocol.activity_messages import CommandRequest, CommandResult


def refund(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """End a subscription for good and give back what the rules give back, to the wallet of the account that paid, as a credit note."""
    assert isinstance(request.command, Terminate)
    return on_subscription(ledger, request.command, request, _refund)


def _refund(work: Work, command: Terminate, subscription: Subscription) -> CommandResult:
    back = quote(work, subscription)
    facts = {
        "subscription": subscription.id,
        "expiry": str(subscription.expiry),
        "refund": plain(back.amount, work.account.currency),
        "currency": work.account.currency,
    }
    operation = work.operation(
        "terminate", facts, subscription=subscription.id, cycle=subscription.expiry, command=command
    )
    work.event(
        Event.TERMINATED,
        Rule.TERMINATE,
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
                Rule.TERMINATE,
                subscription=subscription.id,
                amount=back.amount,
                actor=command.actor,
                operation=operation,
            )
    return done(facts, work.save(lifecycle.terminate(subscription, work.today)))


def quote(work: Work, subscription: Subscription) -> Refund:
    """What terminating today would give back."""
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
