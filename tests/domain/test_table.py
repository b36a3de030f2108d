"""Rule 2: every cell of the table of states and commands."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain import state_table
from core.domain.commands import SUBSCRIPTION_COMMANDS
from core.domain.subscription import Status, Subscription
from tests.domain.made import START, expired, subscription

# As the rule book writes it: ✓ allowed, else the refusing rule; "same" is the cell to the left.
TABLE = """
| command | ACTIVE | ACTIVE, failed | trial, ACTIVE | EXPIRED | trial, EXPIRED | TERMINATED |
|---|---|---|---|---|---|---|
| recover | 6.1 | ✓ | 6.1 | 6.1 | 6.1 | 2 |
| extend | ✓ | ✓ | 4.3 | 6.2 | 6.2 | 2 |
| reactivate | 7 | 7 | 7 | ✓ | 4.3 | 2 |
| convert | 4.3 | 4.3 | ✓ once | 4.3 | ✓ | 2 |
| unsubscribe, resubscribe | ✓ if it changes, else 8.1 | same | same | 8.1 | 8.1 | 2 |
| terminate | ✓ | ✓ | ✓ | ✓ | ✓ | 2 |
| change plan, add-ons, numbers, cycle | ✓ | ✓ | 4.3 | 9 | 4.3 | 2 |
| change owner | ✓ | ✓ | 4.3 | ✓ | 4.3 | 2 |
"""
_HEADINGS, _, *_ROWS = (
    [cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.strip().splitlines()
)
#: Commands that the rule book does not name: they change people only, in every state but the last.
NOT_IN_IT = {"assign", "share", "unshare"}
#: The commands of a row that is not named by its commands.
CHANGES = "change plan, add-ons, numbers, cycle"
COMMANDS_OF = {
    CHANGES: (
        "change_plan",
        "set_addon",
        "add_number",
        "remove_number",
        "swap_number",
        "change_cycle",
        "withdraw_changes",
    ),
    "change owner": ("change_owner",),
}
CELLS = [
    (command, column, None if cell.startswith(("✓", "same")) else cell)
    for name, *cells in _ROWS
    for column, cell in zip(_HEADINGS[1:], cells, strict=True)
    for command in COMMANDS_OF.get(name, name.split(", "))
]

STATES: dict[str, Subscription] = {
    "ACTIVE": subscription(),
    "ACTIVE, failed": subscription(renewal_failed=True),
    "trial, ACTIVE": subscription(trial=True),
    "EXPIRED": expired(START),
    "trial, EXPIRED": expired(START, trial=True),
    "TERMINATED": subscription(status=Status.TERMINATED, terminated_on=START),
}


def test_rule_2_the_table_here_is_the_table_of_the_rule_book() -> None:
    assert TABLE in (Path(__file__).parents[2] / "docs" / "rules.md").read_text()


def test_rule_2_each_row_is_a_command() -> None:
    assert {command for command, _, _ in CELLS} == SUBSCRIPTION_COMMANDS.keys() - NOT_IN_IT
    assert [command.states._fields for command in SUBSCRIPTION_COMMANDS.values()] == [
        ("active", "failed", "trial", "expired", "trial_expired", "terminated")
    ] * len(SUBSCRIPTION_COMMANDS)


@pytest.mark.parametrize(("command", "column", "rule"), CELLS)
def test_rule_2_each_cell_of_the_table(command: str, column: str, rule: str | None) -> None:
    assert state_table.refusing_rule(command, column) == rule


@pytest.mark.parametrize(
    ("command", "column", "rule"), [cell for cell in CELLS if cell[1] in STATES]
)
def test_rule_2_a_subscription_is_judged_by_its_column(
    command: str, column: str, rule: str | None
) -> None:
    changed = replace(STATES[column], auto_renew=command != "resubscribe")
    refusal = state_table.refusal(command, changed)
    assert (refusal and refusal.rule) == rule
    assert refusal is None or column in refusal.reason


@pytest.mark.parametrize("column", ["ACTIVE", "ACTIVE, failed"])
@pytest.mark.parametrize(("command", "auto_renew"), [("unsubscribe", False), ("resubscribe", True)])
def test_rule_8_1_switching_auto_renewal_to_what_it_is_already_is_refused(
    command: str, auto_renew: bool, column: str
) -> None:
    refusal = state_table.refusal(command, replace(STATES[column], auto_renew=auto_renew))
    assert str(refusal) == f"auto-renewal is {'on' if auto_renew else 'off'} already (rule 8.1)"


def test_rule_2_a_failure_that_is_left_over_does_not_make_an_expired_one_recoverable() -> None:
    refusal = state_table.refusal("recover", expired(START, renewal_failed=True))
    assert refusal is not None
    assert refusal.rule == "6.1"


@pytest.mark.parametrize("command", SUBSCRIPTION_COMMANDS)
def test_rule_2_a_trial_that_was_terminated_is_terminated(command: str) -> None:
    ended = subscription(trial=True, status=Status.TERMINATED, terminated_on=START)
    refusal = state_table.refusal(command, ended)
    assert str(refusal) == f"{command} is not possible while TERMINATED (rule 2)"


def test_rule_2_a_command_or_column_that_is_not_in_the_table_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        state_table.refusing_rule("renew", "ACTIVE")
    with pytest.raises(ValueError, match="not in tuple"):
        state_table.refusing_rule("recover", "active")
