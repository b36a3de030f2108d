"""Usage: deducted at once, invoiced at the end of the month (Rules 3.2, 11.1, 11.4)."""

from activities.account_settings import check_amount
from activities.command_checks import covered
from core.domain import commands
from core.domain.commands.usage import Usage, UsageResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.refusal import Refused
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def usage(work: Work, command: Usage) -> CommandResult:
    """Charge the wallet as it is told, without rounding. Beyond usable it is refused."""
    check_amount(command.amount, "an amount of usage", command.rule)
    if command.amount <= 0:
        raise Refused(command.rule, f"usage of {command.amount:f} is not positive")
    covered(work, command.amount, command.rule)
    result = UsageResult(
        account=work.account.id, amount=command.amount, currency=work.account.currency
    )
    operation = work.operation(Purpose.USAGE, commands.stored(result), command=command)
    work.post(operation, double_entry.usage(command.amount))
    work.wait_for_monthly_invoice(operation, Line(command.text, command.amount))
    work.event(
        Event.USAGE,
        command.rule,
        amount=-command.amount,
        actor=command.actor,
        operation=operation,
        text=command.text,
    )
    return CommandResult(result=result)
