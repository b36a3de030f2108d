"""What is allowed instead of a command that a rule has refused."""

from collections.abc import Iterable

from core.domain import state_table
from core.domain.commands import COMMANDS, SUBSCRIPTION_COMMANDS
from core.domain.commands.erase_account import EraseAccount
from core.domain.inputs import either
from core.domain.rules import Rule

_FUNDED = "usable credits that cover the fee, or a card that may be charged for it"

#: What a rule allows beside the state of the subscription.
_ALLOWED = {
    Rule.STATES: "A subscription that is TERMINATED takes no command. A new one can be bought",
    Rule.FEE_LINES: "Allowed is a cycle that the policy and the calendar take",
    Rule.LICENCES: "Allowed are as many licences and numbers as the rule says",
    Rule.PURCHASE: (
        "Allowed are an account and a subscription that exist, a new id for a purchase, a SKU with "
        "a price in the account's currency, and usable credits that cover the fees"
    ),
    Rule.REQUEST_ID: "Allowed is a new request id, or the first command of this one again",
    Rule.TRIAL: "An account has one trial of an application, of a SKU with trial days",
    Rule.RECOVER: f"It needs {_FUNDED}",
    Rule.EXTEND: "It needs usable credits that cover the fee, and a last day that can be reached",
    Rule.REACTIVATE: "It needs usable credits that cover the fee",
    Rule.AUTO_RENEWAL: "Allowed is the other position of the switch",
    Rule.REFUND: "Allowed is a refund or a contract as the rule says",
    Rule.CHANGES: "Allowed is what is not so already, and what the catalogue has",
    Rule.NUMBER_HOLD: "Allowed is a number that is free, or kept for this account",
    Rule.NUMBER_RESERVATION: "Allowed is a number that is free, or reserved for this account",
    Rule.USABLE: "Allowed is what usable credits cover",
    Rule.INVOICES: "Allowed is an amount above zero, and an external invoice with its number",
    Rule.POSTPAID: "A prepaid account is topped up, a postpaid one pays its invoices",
    Rule.TRANSFERS: "Allowed is what usable credits cover, between two accounts of one currency",
}


def what_is_allowed(do: str, rule: Rule) -> str:
    """One or two sentences.

    `do`, `rule`: the command, and the rule that has refused it.
    """
    if rule is Rule.REQUEST_ID:
        return f"{_ALLOWED[rule]}."
    if rule is Rule.SUSPEND_AND_CLOSE:
        return _while_halted()
    sentences = []
    if do in SUBSCRIPTION_COMMANDS and rule is not Rule.PURCHASE:
        sentences.append(f"{do} is possible while {either(state_table.allowing_states(do))}")
    if rule in _ALLOWED:
        sentences.append(_ALLOWED[rule])
    if not sentences:
        sentences.append(f"Rule {rule} in docs/rules.md says what is")
    return " ".join(f"{sentence}." for sentence in sentences)


def _while_halted() -> str:
    # Erasing is no way on for a caller who wants something of the account.
    helpful = {do: command for do, command in COMMANDS.items() if command is not EraseAccount}
    suspended = _listed(do for do, command in helpful.items() if command.while_suspended)
    closed = _listed(do for do, command in helpful.items() if command.while_closed)
    return f"A suspended account takes {suspended}. A closed one takes {closed}, until it is open."


def _listed(words: Iterable[str]) -> str:
    *most, last = sorted(words)
    return f"{', '.join(most)} and {last}" if most else last
