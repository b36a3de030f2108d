"""Terminate by command, with its refund, in one transaction (Rules 8.2, 8.3, 8.4)."""

from activities.command_checks import on_subscription
from activities.payments import done
from core.domain import lifecycle, refunds
from core.domain.commands import Terminate
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.money import plain
from core.domain.refunds import Refund
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.ledger import Ledger
from core.ledger.period_amounts import paid_periods
from core.ledger.unit_of_work import Work
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
        Purpose.TERMINATE,
        facts,
        subscription=subscription.id,
        cycle=subscription.expiry,
        command=command,
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
        work.post(operation, double_entry.refund(given, back.admin_fee))
        work.refund(operation, back.periods)
        lines = [Line("Refund", -amount) for amount in back.periods.values()]
        if back.admin_fee:
            lines.append(Line("Administrative fee", back.admin_fee))
        work.invoice(operation, InvoiceKind.CREDIT_NOTE, lines, -back.amount)
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
    periods = paid_periods(
        work.connection, subscription.id, lambda sku: work.catalog.refundable(sku, work.today)
    )
    return refunds.refund(periods, work.policy, work.today, work.account.currency)
