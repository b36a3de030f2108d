"""What a command did: in a sentence for a person, and as data for a program."""

from datetime import date
from decimal import Decimal
from typing import Any

from core.domain.money import plain
from core.protocol.activity_messages import CommandResult
from doors.commandline.dates_and_money import day, money


def result(do: str, outcome: CommandResult) -> str:
    """What a command did, in a sentence."""
    facts = outcome.facts
    again = " (it had been done before; nothing was done again)" if outcome.replayed else ""
    amount = (
        money(Decimal(facts["amount"]), facts["currency"])
        if "amount" in facts and "currency" in facts
        else None
    )
    paid = (
        f"{amount} on external invoice {facts['external_invoice']}"
        if facts.get("external_invoice")
        else f"{amount} paid"
    )
    until = f"paid up to {day(date.fromisoformat(facts['expiry']))}" if "expiry" in facts else ""
    match do:
        case "purchase":
            said = f"{facts['subscription']} is bought: {paid}, {until}."
        case "recover" | "extend" | "reactivate":
            said = (
                f"{facts['subscription']} is {do}{'ed' if do[-1] != 'e' else 'd'}: {paid}, {until}."
            )
        case "unsubscribe":
            said = f"{facts['subscription']} no longer renews; it runs until {day(date.fromisoformat(facts['expiry']))}."
        case "resubscribe":
            said = f"{facts['subscription']} renews by itself again; {until}."
        case "terminate":
            said = f"{facts['subscription']} is terminated; {money(Decimal(facts['refund']), facts['currency'])} given back."
        case "top_up":
            said = f"{amount} added to {facts['account']}."
        case "suspend":
            said = f"Account {facts['account']} is suspended."
        case "resume":
            said = f"Account {facts['account']} is no longer suspended."
        case "set_card":
            said = f"The card of {facts['account']} is changed."
        case _:
            said = f"The settings of {facts.get('account', 'the account')} are changed."
    return said + again


def facts(outcome: CommandResult) -> dict[str, Any]:
    """What a command did, as data: amounts with the decimals of their currency."""
    currency = outcome.facts.get("currency")
    amounts = {
        key: plain(Decimal(outcome.facts[key]), currency)
        for key in ("amount", "refund")
        if currency and key in outcome.facts
    }
    return outcome.facts | amounts
