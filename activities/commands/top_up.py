"""Top up: the credits with an invoice, then the retry of failed renewals (Rule 5.4)."""

from activities.account_settings import check_amount
from activities.retry_after_top_up import retry_after_top_up
from core.domain import commands
from core.domain.commands.top_up import TopUp, TopUpResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Mode
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def top_up(work: Work, command: TopUp) -> CommandResult:
    """Add credits. Each failed group that they cover is renewed at once, oldest first."""
    if work.account.mode is Mode.POSTPAID:
        raise Refused(Rule.POSTPAID, f"account {work.account.id} is postpaid; it pays invoices")
    check_amount(command.amount, "a top-up", Rule.INVOICES)
    if command.amount <= 0:
        raise Refused(Rule.INVOICES, f"a top-up of {command.amount:f} is not positive")
    result = TopUpResult(
        account=work.account.id, amount=command.amount, currency=work.account.currency
    )
    operation = work.operation(Purpose.TOP_UP, commands.stored(result), command=command)
    work.post(operation, double_entry.top_up(command.amount))
    work.invoice(
        operation, InvoiceKind.INDIVIDUAL, [Line("Top-up", command.amount)], command.amount
    )
    work.event(
        Event.TOPPED_UP,
        command.rule,
        amount=command.amount,
        actor=command.actor,
        operation=operation,
    )
    work.settings(last_top_up=command.amount)
    retry_after_top_up(work)
    return CommandResult(result=result)
