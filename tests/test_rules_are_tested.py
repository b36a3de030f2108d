"""Every rule of docs/rules.md is named by a test: in its name, its docstring or that of its file.

In a name a rule is written `rule_5_2`, in a docstring `Rule 5.2`. Several rules are written
`rules_1_6_and_4_1` and `Rules 5.7, 8.1`. A test that names a rule checks it. If a rule has no test
here, write one. Where only a part of a rule is built, `NOT_BUILT` says which part is missing.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from functools import cache

from core.domain.events import Event
from core.domain.policy import Policy
from core.domain.rules import Rule
from settings import PROJECT

BOOK = (PROJECT / "docs" / "rules.md").read_text()
SCENARIOS = (PROJECT / "docs" / "scenario.md").read_text()

#: Parts of rules without tests, and why. The rest of each of these rules is tested.
NOT_BUILT = {
    "12": "messages are not delivered, by e-mail or webhook; which are due, and when, is tested",
}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NUMBER = r"\d+(?:\.\d+)?"
IN_PROSE = re.compile(rf"\b[Rr]ules? ({NUMBER}(?:(?:, and |, | and | to ){NUMBER})*)")
IN_NAMES = re.compile(r"(?:^|_)rules?_([\d_]+(?:and_[\d_]+)*)")
BETWEEN = re.compile(rf"({NUMBER}) to ({NUMBER})")


def numbers_in_prose(text: str) -> set[str]:
    """The rules that a text names. "10.1 to 10.3" are three."""
    found: set[str] = set()
    for named in IN_PROSE.findall(" ".join(text.split())):
        found |= set(re.findall(NUMBER, named))
        for first, last in BETWEEN.findall(named):
            ordered = list(Rule)
            found |= set(map(str, ordered[ordered.index(first) : ordered.index(last) + 1]))
    return found


def numbers_in_name(name: str) -> set[str]:
    """The rules that the name of a test names. 5_2 is Rule 5.2, if there is one."""
    found = set()
    for named in IN_NAMES.findall(name):
        parts = re.findall(r"\d+", named)
        while parts:
            first, *rest = parts
            whole = f"{first}.{rest[0]}" if rest else first
            taken = 2 if whole in set(Rule) else 1
            found.add(whole if taken == 2 else first)
            parts = parts[taken:]
    return found


def texts() -> Iterator[tuple[str, str, str]]:
    """Each file of tests and each test: where it is, its name and its docstring."""
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        where, tree = path.relative_to(PROJECT).as_posix(), ast.parse(path.read_text())
        yield where, "", ast.get_docstring(tree) or ""
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS) and node.name.startswith("test_"):
                yield f"{where}::{node.name}", node.name, ast.get_docstring(node) or ""


@cache
def named() -> dict[str, set[str]]:
    """The rules that are named, each with the places that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for where, name, docstring in texts():
        for number in numbers_in_name(name) | numbers_in_prose(docstring):
            found[number].add(where)
    return found


def test_every_rule_is_named_by_a_test() -> None:
    missing = [str(rule) for rule in Rule if not named()[rule]]
    assert missing == [], f"no test names these rules of docs/rules.md: {missing}"


def test_no_test_names_a_rule_that_does_not_exist() -> None:
    sections = set(re.findall(r"^## (\d+)\. ", BOOK, re.MULTILINE))
    unknown = {number: places for number, places in named().items() if places}
    for number in sections | set(Rule):
        unknown.pop(number, None)
    assert unknown == {}


def test_what_is_not_built_are_parts_of_rules_that_a_test_names() -> None:
    assert all(named()[rule] for rule in NOT_BUILT)


def test_every_key_of_the_policy_is_used_by_a_test_rule_14() -> None:
    """A test beside those of the policy itself plays with the key, or names it."""
    table = re.findall(r"^\| (.*) \|$", BOOK.partition("## 14. ")[2], re.MULTILINE)[1:]
    keys = [cell.split(" ")[0] for row in table for cell in row.split(" | ")[::2]]
    assert set(keys) == {field.name for field in fields(Policy)} - {"newer"}
    used = "".join(
        path.read_text()
        for path in (PROJECT / "tests").rglob("*.*")
        if path.suffix in (".py", ".yaml")
        and path.name not in ("test_policy.py", "stories.py", "naive.py")
    )
    assert [key for key in keys if key not in used] == []


def test_every_event_is_expected_by_a_story() -> None:
    """An event of docs/scenario.md stands in the expected timeline of a story or of an example."""
    listed = SCENARIOS.partition("\nEvents: ")[2].partition("\n\n")[0]
    events = set(re.findall(r"`([a-z_]+)`", listed)) - {"number"}
    assert events <= set(Event)
    told = "".join(
        path.read_text()
        for folder in ("stories", "simulation/articles", "simulation/examples")
        for path in (PROJECT / "tests" / folder).iterdir()
        if path.suffix in (".py", ".txt", ".json")
    )
    assert [event for event in sorted(events) if f" {event}" not in told] == []
