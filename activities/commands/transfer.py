"""Transfer: move credits between two accounts in one transaction (Rule 11.9)."""

from activities.account_settings import check_amount
from activities.command_checks import beside, covered
from activities.retry_after_top_up import retry_after_top_up
from core.domain import commands
from core.domain.commands.transfer import Transfer, TransferResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Mode
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def transfer(work: Work, command: Transfer) -> CommandResult:
    """Move the credits, an operation for each account. Then the other one's renewals are retried.

    The other account may be suspended, but not closed (Rule 11.8).
    """
    other = _other(work, command)
    check_amount(command.amount, "a transfer", command.rule)
    if command.amount <= 0:
        raise Refused(command.rule, f"a transfer of {command.amount:f} is not positive")
    if other.account.currency != work.account.currency:
        raise Refused(
            command.rule,
            f"{command.to} is in {other.account.currency}, {work.account.id} is in "
            f"{work.account.currency}; both must have one currency",
        )
    covered(work, command.amount, command.rule)
    result = TransferResult(
        account=work.account.id,
        to=command.to,
        amount=command.amount,
        currency=work.account.currency,
    )
    out = work.operation(Purpose.TRANSFER, commands.stored(result), command=command)
    into = other.operation(Purpose.TRANSFER_IN, {})
    for side, operation, amount, partner in (
        (work, out, -command.amount, command.to),
        (other, into, command.amount, work.account.id),
    ):
        side.post(operation, double_entry.transfer(amount))
        if side is work and side.account.mode is Mode.POSTPAID:
            side.wait_for_monthly_invoice(out, Line(f"Transfer to {command.to}", command.amount))
        side.event(
            Event.TRANSFERRED,
            command.rule,
            amount=amount,
            actor=command.actor,
            operation=operation,
            partner=partner,
        )
    retry_after_top_up(other)
    return CommandResult(result=result)


def _other(work: Work, command: Transfer) -> Work:
    """The unit of work on the account that gets the credits."""
    if command.to == work.account.id:
        raise Refused(command.rule, f"{command.to} cannot transfer to itself")
    other = work.others.get(command.to)
    if other is None or other.account.seller != work.account.seller:
        raise Refused(Rule.PURCHASE, f"there is no account {command.to}")
    if other not in beside(work):
        raise Refused(
            command.rule, f"{command.to} and {work.account.id} live by different test clocks"
        )
    if other.account.closed_on is not None:
        raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {command.to} is closed")
    return other
