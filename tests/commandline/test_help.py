"""Every command explains itself, at once, with an example."""

import pkgutil
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
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
