"""docs/features.md says what is true: its commands, its rules and its stories exist."""

import re
import shlex
from typing import Any

import pytest

from core.domain.commands import COMMANDS as COMMANDS_OF_THE_BOOK
from core.domain.rules import Rule
from settings import PROJECT
from tests.commandline.conftest import top

PAGE = (PROJECT / "docs" / "features.md").read_text()
TITLE = re.compile(r"^## (.*)$", re.MULTILINE)
SECTIONS = dict(zip(TITLE.split(PAGE)[1::2], TITLE.split(PAGE)[2::2], strict=True))
COMMANDS = [
    *re.findall(r"`starter\.py ([^`]+)`", PAGE),
    *re.findall(r"^    \S+ starter\.py (.*)", PAGE, re.MULTILINE),
]
ARTICLES = (
    "Activation fee for numbers",
    "Transactions of a customer's account",
    "Refunds",
    "Trials",
    "Cycle and charge",
    "Recover failed and extend expiring",
    "Expired subscriptions",
    "Active subscriptions: owner, add-ons, numbers, cycle",
    "Purchase for a customer",
    "Prepaid payment matters",
)


def test_the_ten_articles_are_there() -> None:
    assert list(SECTIONS) == [f"{number}. {name}" for number, name in enumerate(ARTICLES, 1)]


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_each_command_line_is_one_that_the_command_line_takes(line: str) -> None:
    """It is parsed with its options, arguments and their values. It is not carried out."""
    command: Any = top()
    words = shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    with command.make_context(command.name, words) as context:
        assert context.params


@pytest.mark.parametrize("article", SECTIONS)
def test_each_row_names_a_command_and_rules_of_the_rule_book(article: str) -> None:
    rows = re.findall(r"^\| (.*) \| (.*) \| (.*) \|$", SECTIONS[article], re.MULTILINE)
    assert rows[0] == ("what", "command", "rule")
    assert len(rows) >= 6
    for what, command, rules in rows[1:]:
        assert command.startswith("`starter.py "), what
        assert set(rules.split(", ")) <= set(Rule), what


def test_each_article_has_its_story_and_each_story_its_article() -> None:
    stories = [
        re.findall(r"^Story: \[(.*)\]\(\.\./examples/scenarios/\1\)$", text, re.MULTILINE)
        for text in SECTIONS.values()
    ]
    assert all(len(found) == 1 for found in stories)
    there = sorted(path.name for path in (PROJECT / "examples" / "scenarios").iterdir())
    assert sorted(found[0] for found in stories) == [name for name in there if name != "README.md"]


#: The commands whose words on the command line are not those of their description.
OTHERWISE = {"set_billing": "account billing"}


@pytest.mark.parametrize("do", COMMANDS_OF_THE_BOOK)
def test_each_command_has_a_row(do: str) -> None:
    """`set_card` is `card set`, `change_plan` is `change-plan`."""
    first, _, rest = do.partition("_")
    words = (OTHERWISE.get(do), do.replace("_", "-"), f"{rest} {first}")
    rows = re.findall(r"^\| .* \| (.*) \| .* \|$", PAGE, re.MULTILINE)
    named = [line for row in rows for line in re.findall(r"`starter\.py ([^`]+)`", row)]
    assert any(line.startswith(f"{word} ") for line in named for word in words if word)
