"""Terminate: end a subscription, with its refund, in one transaction (Rules 8.2, 8.3, 8.4)."""

from datetime import date

from activities.numbers import give_back_all
from core.domain import commands, lifecycle, refunds
from core.domain.commands.terminate import Terminate, TerminateResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.numbers import Cause
from core.domain.refunds import Refund
from core.domain.subscription import ZERO, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.period_amounts import bought_on, paid_periods
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def terminate(work: Work, command: Terminate, subscription: Subscription) -> CommandResult:
    """End a subscription for good, and refund what the rules give back.

    Each refund goes to the wallet of the account that paid, as a credit note.
    """
    back = _refunds(work, subscription)
    result = TerminateResult(
        subscription=subscription.id,
        expiry=subscription.expiry,
        refund=sum((refund.amount for refund in back), ZERO),
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
    for refund in back:
        payer = work.of(refund.payer)
        own = operation if payer is work else _operation_of(payer, subscription)
        _give_back(payer, own, command, subscription, refund)
    give_back_all(work, subscription, Cause.TERMINATED, actor=command.actor)
    ended = work.save(lifecycle.terminate(subscription, work.today))
    return CommandResult(result=result, snapshot=ended)


def _refunds(work: Work, subscription: Subscription) -> list[Refund]:
    """The refunds that terminating today would give."""

    def refundable(start: date) -> bool:
        """Whether the plan that a period holds from today on allows refunds (Rules 8.2, 9)."""
        sku = subscription.contents_on(max(start, work.today)).sku
        return work.catalog.refundable(sku, work.today)

    periods = paid_periods(work.connection, subscription.id, refundable)
    since = bought_on(work.connection, subscription.id) if subscription.contract else None
    return refunds.refunds(periods, work.policy, work.today, work.account.currency, since)


def _operation_of(payer: Work, subscription: Subscription) -> int:
    """An operation of a former owner: it moves the money of its own account only (Rule 11.3)."""
    return payer.operation(Purpose.REFUND, {}, subscription=subscription.id)


def _give_back(
    payer: Work, operation: int, command: Terminate, subscription: Subscription, refund: Refund
) -> None:
    payer.post(operation, double_entry.refund(refund.given, refund.admin_fee))
    payer.refund(operation, refund.periods)
    id_ = subscription.id
    lines = [Line(f"{id_} refund", -amount) for amount in refund.periods.values()]
    if refund.admin_fee:
        lines.append(Line(f"{id_} administrative fee", refund.admin_fee))
    payer.invoice(operation, InvoiceKind.CREDIT_NOTE, lines, -refund.amount)
    if refund.amount:
        payer.event(
            Event.REFUNDED,
            command.rule,
            subscription=subscription.id,
            amount=refund.amount,
            actor=command.actor,
            operation=operation,
        )
