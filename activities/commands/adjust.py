"""Adjust: the seller gives or takes credits (Rule 11.9)."""

from activities.account_settings import check_amount
from activities.command_checks import covered
from core.domain import commands
from core.domain.commands.adjust import Adjust, AdjustResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.refusal import Refused
from core.domain.subscription import Mode
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def adjust(work: Work, command: Adjust) -> CommandResult:
    """Move the balance. Taking more than is usable is refused."""
    check_amount(command.amount, "an adjustment", command.rule)
    if command.amount == 0:
        raise Refused(command.rule, "an adjustment of zero changes nothing")
    covered(work, -command.amount, command.rule)
    result = AdjustResult(
        account=work.account.id, amount=command.amount, currency=work.account.currency
    )
    operation = work.operation(Purpose.ADJUSTMENT, commands.stored(result), command=command)
    work.post(operation, double_entry.adjustment(command.amount))
    if command.amount < 0 and work.account.mode is Mode.POSTPAID:
        line = Line(f"Adjustment: {command.reason}", -command.amount)
        work.wait_for_monthly_invoice(operation, line)
    work.event(
        Event.ADJUSTED,
        command.rule,
        amount=command.amount,
        actor=command.actor,
        operation=operation,
        why=command.reason,
    )
    return CommandResult(result=result)
