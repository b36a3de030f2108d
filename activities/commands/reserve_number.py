"""Reserve number: a free number waits for an account (Rule 10.3)."""

from activities.account_settings import change_settings
from core.domain import numbers as rules
from core.domain.commands.reserve_number import ReserveNumber, ReserveNumberResult
from core.domain.events import Event
from core.domain.numbers import Happened
from core.ledger import numbers
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def reserve_number(work: Work, command: ReserveNumber) -> CommandResult:
    """Reserve it. A step of the number ends the reservation."""
    number = numbers.existing(work, command.number, command.rule)
    after = rules.reserve(number, work.account.id, command.remark, work.policy, work.today)
    assert after.until is not None
    work.save_number(after, Happened.RESERVED, command.actor)
    result = ReserveNumberResult(account=work.account.id, number=command.number, until=after.until)
    facts = {"number": command.number, "until": after.until, "remark": command.remark}
    return change_settings(work, command, result, {}, Event.NUMBER_RESERVED, facts)
