"""Pay invoice: a payment of a postpaid account. It sets off no retry (Rules 5.4, 11.6)."""

from activities.account_settings import check_amount
from core.domain import commands
from core.domain.commands.pay_invoice import PayInvoice, PayInvoiceResult
from core.domain.events import Event
from core.domain.refusal import Refused
from core.domain.subscription import ZERO, Mode
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def pay_invoice(work: Work, command: PayInvoice) -> CommandResult:
    """Reduce what is receivable. The excess is overpayment, which the next charges use."""
    if work.account.mode is Mode.PREPAID:
        raise Refused(command.rule, f"account {work.account.id} is prepaid; top it up instead")
    check_amount(command.amount, "a payment", command.rule)
    if command.amount <= 0:
        raise Refused(command.rule, f"a payment of {command.amount:f} is not positive")
    left = max(ZERO, work.account.receivable - command.amount)
    result = PayInvoiceResult(
        account=work.account.id,
        amount=command.amount,
        receivable=left,
        currency=work.account.currency,
    )
    operation = work.operation(Purpose.PAYMENT, commands.stored(result), command=command)
    work.post(operation, double_entry.top_up(command.amount))
    work.event(
        Event.PAID,
        command.rule,
        amount=command.amount,
        actor=command.actor,
        operation=operation,
    )
    return CommandResult(result=result)
