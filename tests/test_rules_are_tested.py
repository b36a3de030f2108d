"""Every rule of docs/rules.md is named by a test, in its name or its docstring.

In a name a rule is written `rule_5_2`, in a docstring `Rule 5.2`. Several rules are written
`rules_1_6_and_4_1` and `Rules 5.7, 8.1`. A test that names a rule checks it. If a rule has no test
here, write one. The docstring of a file names rules for readers, and it proves nothing. Neither
does a test that pytest does not run, or that does nothing.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from functools import cache

import pytest

from core.domain.events import Event
from core.domain.policy import Policy
from core.domain.rules import Rule
from settings import PROJECT

BOOK = (PROJECT / "docs" / "rules.md").read_text()
SCENARIOS = (PROJECT / "docs" / "scenario.md").read_text()

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ALL_LEFT_OUT = re.compile(r"^pytestmark\b.*\b(skip|xfail)\b", re.MULTILINE)
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
            assert first.partition(".")[0] == last.partition(".")[0], f"{named} names too much"
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


def is_run(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether pytest runs a test, and the test does something."""
    marks = " ".join(
        ast.unparse(mark.func if isinstance(mark, ast.Call) else mark)
        for mark in test.decorator_list
    )
    does = any(isinstance(node, ast.Assert | ast.Call) for it in test.body for node in ast.walk(it))
    return does and not re.search(r"\b(skip|xfail)", marks)


def _tests_of(source: str) -> Iterator[tuple[str, str]]:
    """Each test of a file: its name and its docstring. A function inside another is no test."""
    for node in ast.parse(source).body if not ALL_LEFT_OUT.search(source) else ():
        if isinstance(node, FUNCTIONS) and node.name.startswith("test_") and is_run(node):
            yield node.name, ast.get_docstring(node) or ""


def rules_in(source: str) -> Iterator[tuple[str, str]]:
    """Each rule that a test of a file names, with the name of the test."""
    for name, docstring in _tests_of(source):
        for number in numbers_in_name(name) | numbers_in_prose(docstring):
            yield number, name


@cache
def named() -> dict[str, set[str]]:
    """The rules that are named, each with the tests that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        for number, name in rules_in(path.read_text()):
            found[number].add(f"{path.relative_to(PROJECT).as_posix()}::{name}")
    return found


def test_every_rule_is_named_by_a_test() -> None:
    missing = [str(rule) for rule in Rule if not named()[rule]]
    assert missing == [], f"no test names these rules of docs/rules.md: {missing}"


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ("def test_rule_5_2_and_more():\n    assert it", {"5.2"}),
        ("def test_it():\n    'Rules 5.2, 8.1 to 8.3.'\n    check()", {"5.2", "8.1", "8.2", "8.3"}),
        ("'Rule 5.2 in the docstring of a file.'\ndef test_it():\n    assert it", set()),
        ("def helper_rule_5_2():\n    'Rule 5.2'\n    assert it", set()),
        ("def test_rule_5_2():\n    'Rule 5.2'", set()),
        ("def test_rule_5_2():\n    pass", set()),
        ("@pytest.mark.skip(reason='later')\ndef test_rule_5_2():\n    assert it", set()),
        ("@pytest.mark.xfail\ndef test_rule_5_2():\n    assert it", set()),
        ("pytestmark = pytest.mark.skip\ndef test_rule_5_2():\n    assert it", set()),
        ("def helper():\n    def test_rule_5_2():\n        assert it", set()),
    ],
)
def test_only_a_test_that_runs_and_does_something_counts(source: str, rules: set[str]) -> None:
    assert {number for number, _ in rules_in(source)} == rules


def test_a_docstring_does_not_name_rules_of_several_sections_at_once() -> None:
    with pytest.raises(AssertionError, match="too much"):
        numbers_in_prose("Rules 1.1 to 11.9 are checked.")


def test_no_test_names_a_rule_that_does_not_exist() -> None:
    sections = set(re.findall(r"^## (\d+)\. ", BOOK, re.MULTILINE))
    unknown = {number: places for number, places in named().items() if places}
    for number in sections | set(Rule):
        unknown.pop(number, None)
    assert unknown == {}


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
