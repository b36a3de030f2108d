"""The table of Rule 2: state × command → allowed, or the rule that refuses.

Each command on a subscription brings its own row (`SubscriptionCommand.states`). This module puts
the rows together, and finds the column of a subscription.
"""

from core.domain.commands import SUBSCRIPTION_COMMANDS
from core.domain.refusal import Refusal
from core.domain.rules import Rule
from core.domain.subscription import Status, Subscription

_COLUMNS = ("ACTIVE", "ACTIVE, failed", "trial, ACTIVE", "EXPIRED", "trial, EXPIRED", "TERMINATED")

_TABLE = {do: command.states for do, command in SUBSCRIPTION_COMMANDS.items()}


def refusing_rule(command: str, column: str) -> Rule | None:
    """The rule that refuses `command` in a state. Returns None when the command is allowed.

    `column` is a heading of Rule 2's table.
    """
    return _TABLE[command][_COLUMNS.index(column)]


def allowing_states(command: str) -> tuple[str, ...]:
    """The headings of Rule 2's table under which a command is allowed."""
    return tuple(column for column in _COLUMNS if refusing_rule(command, column) is None)


def refusal(command: str, subscription: Subscription) -> Refusal | None:
    """The refusal of a command on a subscription as it is, by the table.

    A command that would change nothing is refused too (Rule 8.1).
    """
    column = _column(subscription)
    if rule := refusing_rule(command, column):
        return Refusal(rule, f"{command} is not possible while {column}")
    return SUBSCRIPTION_COMMANDS[command].changes_nothing(subscription)


def _column(subscription: Subscription) -> str:
    status = subscription.status
    if subscription.trial and status is not Status.TERMINATED:
        return f"trial, {status}"
    if subscription.renewal_failed and status is Status.ACTIVE:
        return "ACTIVE, failed"
    return status.value
