"""What is said to be allowed instead of a command that was refused."""

import pytest

from core.domain.commands import SUBSCRIPTION_COMMANDS
from core.domain.explain_refusal import what_is_allowed
from core.domain.rules import Rule


@pytest.mark.parametrize(
    ("do", "rule", "allowed"),
    [
        (
            "recover",
            Rule.RECOVER,
            "recover is possible while ACTIVE, failed. It needs usable credits that cover the fee, "
            "or a card that may be charged for it.",
        ),
        (
            "convert",
            Rule.STATES,
            "convert is possible while trial, ACTIVE or trial, EXPIRED. A subscription that is "
            "TERMINATED takes no command. A new one can be bought.",
        ),
        (
            "extend",
            Rule.REQUEST_ID,
            "Allowed is a new request id, or the first command of this one again.",
        ),
        ("usage", Rule.USABLE, "Allowed is what usable credits cover."),
        ("usage", Rule.OUTAGE, "Rule 13 in docs/rules.md says what is."),
        (
            "purchase",
            Rule.PURCHASE,
            "Allowed are an account and a subscription that exist, a new id for a purchase, a SKU "
            "with a price in the account's currency, and usable credits that cover the fees.",
        ),
    ],
)
def test_rule_2_what_is_allowed_instead(do: str, rule: Rule, allowed: str) -> None:
    assert what_is_allowed(do, rule) == allowed


@pytest.mark.parametrize("do", sorted(SUBSCRIPTION_COMMANDS))
def test_rule_2_each_rule_of_the_table_of_states_has_words(do: str) -> None:
    for rule in SUBSCRIPTION_COMMANDS[do].states:
        if rule is not None:
            assert "docs/rules.md" not in what_is_allowed(do, rule), rule


def test_rule_11_8_a_suspended_account_takes_payments_and_a_closed_one_is_opened_again() -> None:
    said = what_is_allowed("extend", Rule.SUSPEND_AND_CLOSE)
    suspended, closed = said.split(". ")
    assert suspended.startswith("A suspended account takes pay_invoice, resume, set_account, ")
    assert suspended.endswith(" and top_up")
    assert closed == "A closed one takes reopen_account, until it is open."
