"""The table of Rule 2: state × command → allowed, or the rule that refuses.

The table is the whole of it, with the commands and states of trials and changes; whoever adds a command adds its row.
"""

from domain.refusal import Refusal
from domain.subscription import Status, Subscription

_COLUMNS = ("ACTIVE", "ACTIVE, failed", "trial, ACTIVE", "EXPIRED", "trial, EXPIRED", "TERMINATED")

OK = None
_TABLE: dict[str, tuple[str | None, ...]] = {
    "recover": ("6.1", OK, "6.1", "6.1", "6.1", "2"),
    "extend": (OK, OK, "4.3", "6.2", "6.2", "2"),
    "reactivate": ("7", "7", "7", OK, "4.3", "2"),
    "convert": ("4.3", "4.3", OK, "4.3", OK, "2"),
    "unsubscribe": (OK, OK, OK, "8.1", "8.1", "2"),
    "resubscribe": (OK, OK, OK, "8.1", "8.1", "2"),
    "terminate": (OK, OK, OK, OK, OK, "2"),
    "change": (OK, OK, "4.3", "9", "4.3", "2"),
    "change_owner": (OK, OK, "4.3", OK, "4.3", "2"),
}


def refusing_rule(command: str, column: str) -> str | None:
    """The rule that refuses `command` in a state, a column's heading of Rule 2's table; none when it is allowed."""
    return _TABLE[command][_COLUMNS.index(column)]


def refusal(command: str, subscription: Subscription) -> Refusal | None:
    """Whether the table refuses a command on a subscription as it is; `unsubscribe` and `resubscribe` are refused without a change (Rule 8.1)."""
    column = _column(subscription)
    if rule := refusing_rule(command, column):
        return Refusal(rule, f"{command} is not possible while {column}")
    if command == "unsubscribe" and not subscription.auto_renew:
        return Refusal("8.1", "auto-renewal is off already")
    if command == "resubscribe" and subscription.auto_renew:
        return Refusal("8.1", "auto-renewal is on already")
    return None


def _column(subscription: Subscription) -> str:
    if subscription.status is Status.ACTIVE and subscription.renewal_failed:
        return "ACTIVE, failed"
    return subscription.status.value
