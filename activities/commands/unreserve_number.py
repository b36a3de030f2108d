"""Unreserve number: the reservation of a number ends before its last day (Rule 10.3)."""

from activities.account_settings import change_settings
from core.domain import numbers as rules
from core.domain.commands.unreserve_number import UnreserveNumber, UnreserveNumberResult
from core.domain.events import Event
from core.domain.numbers import Happened
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def unreserve_number(work: Work, command: UnreserveNumber) -> CommandResult:
    """The number is free again."""
    number = numbers.existing(work, command.number, command.rule)
    after = rules.unreserve(number, work.account.id, work.today)
    work.save_number(after, Happened.UNRESERVED, command.actor)
    result = UnreserveNumberResult(account=work.account.id, number=command.number)
    facts = {"number": command.number}
    return change_settings(work, command, result, {}, Event.NUMBER_UNRESERVED, facts)
