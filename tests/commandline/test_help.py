"""Every command explains itself, at once, with an example."""

import pkgutil
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from enum import EnumType
from typing import Any

import pytest
from typer.testing import CliRunner

from doors.commandline import commands as commands_package
from settings import PROJECT
from starter import app
from tests.commandline.conftest import top


def commands() -> Iterator[tuple[str, ...]]:
    for name, found in sorted(top().commands.items()):
        if hasattr(found, "commands"):
            yield from ((name, inner) for inner in sorted(found.commands))
        else:
            yield (name,)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*command, "--help"])
    assert told.exit_code == 0
    assert f"Example: starter.py {' '.join(command)}" in told.stdout


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_help_names_rules_as_refusals_do(command: tuple[str, ...]) -> None:
    """In the prose of the repository it is "Rule 4.1". What people read says "rule 4.1"."""
    told = CliRunner().invoke(app, [*command, "--help"]).stdout
    assert re.findall(r"\bRules?\s+\d[.\d]*", told) == []


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_gives_json(command: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(app, [*command, "--help"]).stdout


def test_help_takes_less_than_half_a_second_of_the_processor() -> None:
    """Elapsed time is for the benchmark to measure, because tests share the machine."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    subprocess.run(
        [sys.executable, "starter.py", "--help"], cwd=PROJECT, check=True, capture_output=True
    )
    assert used() - before < 0.5


def test_help_imports_nothing_but_typer() -> None:
    heavy = (
        "temporalio",
        "sqlalchemy",
        "rich",
        "pydantic",
        "babel",
        "psutil",
        "core.domain.inputs",
    )
    code = f"import sys, starter; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["show"],
        ["show", "a", "b"],
        ["list", "lost"],
        ["simulate", "f", "--engine", "steam"],
    ],
)
def test_wrong_usage_is_code_2(arguments: list[str]) -> None:
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 2
    assert "Usage:" in told.stderr


def test_every_module_of_commands_is_found() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands_package.__path__)}
    owners = {
        inner.callback.__module__.rpartition(".")[2]
        for path in commands()
        if (inner := _find(path)).callback
    }
    assert owners == modules


def _find(path: tuple[str, ...]) -> Any:
    found: Any = top()
    for name in path:
        found = found.commands[name]
    return found


LARGE = str(10**30)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["extend", "s1", "--cycles", LARGE], "--cycles"),
        (["change-cycle", "s1", "--months", LARGE], "--months"),
        (["change-cycle", "s1", "--multiplier", LARGE], "--multiplier"),
        (["set-addon", "s1", "SEAT", LARGE], "N"),
        (["purchase", "acme", "PRO", "--quantity", LARGE], "--quantity"),
        (["purchase", "acme", "PRO", "--discount-cycles", LARGE], "--discount-cycles"),
        (["unsubscribe", "--file", "ids.csv", "--rate", "0"], "--rate"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else None,
)
def test_a_fault_of_a_field_is_at_the_option_that_a_person_writes(
    words: list[str], place: str
) -> None:
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 2
    assert told.stderr.startswith(f"{place}: ")


def _is_choice(option: Any) -> bool:
    return isinstance(option.type_descriptor.annotation, EnumType)


def _choices() -> Iterator[list[str]]:
    """A command and a wrong value, for each option that has a choice of values."""
    for words in commands():
        found: Any = top()
        for word in words:
            found = found.commands[word]
        for option in found.params:
            if option.param_type_name == "option" and _is_choice(option):
                yield [*words, option.opts[0], "nonsense"]


@pytest.mark.parametrize("words", list(_choices()), ids=" ".join)
def test_a_wrong_choice_is_told_without_words_of_the_library(words: list[str]) -> None:
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 2
    assert "'nonsense' is not one of" in told.stderr
    assert "Value error" not in told.stderr


def test_options_with_a_choice_are_found() -> None:
    found = [" ".join(words) for words in _choices()]
    assert "purchase --contract nonsense" in found
    assert len(found) > 8
