"""What the commands that change settings of an account share (Rules 5.3, 11.1, 11.8)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from core.domain import commands, money
from core.domain.commands.base import AccountCommand, Result
from core.domain.events import Event
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Account
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def change_settings(
    work: Work,
    command: AccountCommand,
    result: Result,
    values: Mapping[str, Any],
    event: Event | None = None,
    facts: Mapping[str, Any] | None = None,
    then: Callable[[int], None] | None = None,
) -> CommandResult:
    """Change columns of the account, and keep the operation with its result.

    `event`: an event of the whole account, default None.
    `facts`: more to tell about the event, default nothing.
    `then`: is called with the operation after that, default None.
    """
    if values:
        work.settings(**values)
    operation = work.operation(Purpose.CHANGE, commands.stored(result), command=command)
    if event:
        work.event(event, command.rule, actor=command.actor, operation=operation, **(facts or {}))
    if then:
        then(operation)
    return CommandResult(result=result)


def change_account(
    work: Work, command: AccountCommand, result: Result, account: Account, event: Event
) -> CommandResult:
    """Change the account and plan its next step. Keep the operation with its result."""
    work.save_account(account)
    operation = work.operation(Purpose.CHANGE, commands.stored(result), command=command)
    work.event(event, command.rule, actor=command.actor, operation=operation)
    return CommandResult(result=result)


def check_amount(amount: Decimal, what: str, rule: Rule) -> None:
    """Refuse an amount that the ledger could not keep to the last decimal (Rule 3.2)."""
    if not money.is_amount(amount):
        raise Refused(
            rule, f"{what} of {amount} is no amount: at most 5 decimals, below {money.LARGEST:f}"
        )
