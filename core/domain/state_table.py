"""The table of Rule 2: state × command → allowed, or the rule that refuses.

The table is the whole of it, with the commands and states of trials and changes; whoever adds a command adds its row.
"""

from core.domain.refusal import Refusal
from core.domain.rules import Rule
from core.domain.subscription import Status, Subscription

_COLUMNS = ("ACTIVE", "ACTIVE, failed", "trial, ACTIVE", "EXPIRED", "trial, EXPIRED", "TERMINATED")

OK = None
_TABLE: dict[str, tuple[Rule | None, ...]] = {
    "recover": (Rule.RECOVER, OK, Rule.RECOVER, Rule.RECOVER, Rule.RECOVER, Rule.STATES),
    "extend": (OK, OK, Rule.TRIAL, Rule.EXTEND, Rule.EXTEND, Rule.STATES),
    "reactivate": (Rule.REACTIVATE, Rule.REACTIVATE, Rule.REACTIVATE, OK, Rule.TRIAL, Rule.STATES),
    "convert": (Rule.TRIAL, Rule.TRIAL, OK, Rule.TRIAL, OK, Rule.STATES),
    "unsubscribe": (OK, OK, OK, Rule.AUTO_RENEWAL, Rule.AUTO_RENEWAL, Rule.STATES),
    "resubscribe": (OK, OK, OK, Rule.AUTO_RENEWAL, Rule.AUTO_RENEWAL, Rule.STATES),
    "terminate": (OK, OK, OK, OK, OK, Rule.STATES),
    "change": (OK, OK, Rule.TRIAL, Rule.CHANGES, Rule.TRIAL, Rule.STATES),
    "change_owner": (OK, OK, Rule.TRIAL, OK, Rule.TRIAL, Rule.STATES),
}


def refusing_rule(command: str, column: str) -> Rule | None:
    """The rule that refuses `command` in a state, a column's heading of Rule 2's table; none when it is allowed."""
    return _TABLE[command][_COLUMNS.index(column)]


def refusal(command: str, subscription: Subscription) -> Refusal | None:
    """Whether the table refuses a command on a subscription as it is; `unsubscribe` and `resubscribe` are refused without a change (Rule 8.1)."""
    column = _column(subscription)
    if rule := refusing_rule(command, column):
        return Refusal(rule, f"{command} is not possible while {column}")
    if command == "unsubscribe" and not subscription.auto_renew:
        return Refusal(Rule.AUTO_RENEWAL, "auto-renewal is off already")
    if command == "resubscribe" and subscription.auto_renew:
        return Refusal(Rule.AUTO_RENEWAL, "auto-renewal is on already")
    return None


def _column(subscription: Subscription) -> str:
    if subscription.status is Status.ACTIVE and subscription.renewal_failed:
        return "ACTIVE, failed"
    return subscription.status.value
