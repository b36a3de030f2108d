"""Every command explains itself, at once, with an example."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from settings import PROJECT
from starter import app


def commands() -> Iterator[tuple[str, ...]]:
    for name, found in sorted(get_command(app).commands.items()):  # type: ignore[attr-defined]
        if hasattr(found, "commands"):
            yield from ((name, inner) for inner in sorted(found.commands))
        else:
            yield (name,)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*command, "--help"])
    assert told.exit_code == 0
    assert f"Example: starter.py {' '.join(command)}" in told.stdout


@pytest.mark.parametrize("command", [c for c in commands() if c != ("demo",)], ids=" ".join)
def test_every_command_gives_json(command: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(app, [*command, "--help"]).stdout


def test_help_is_there_within_half_a_second() -> None:
    def seconds() -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "starter.py", "--help"], cwd=PROJECT, check=True, capture_output=True)
        return time.perf_counter() - begin

    assert statistics.median(sorted(seconds() for _ in range(5))[:3]) < 0.5


def test_help_imports_nothing_but_typer() -> None:
    code = "import sys, starter; print([m for m in ('temporalio', 'sqlalchemy', 'rich', 'pydantic', 'babel') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["show"], ["show", "a", "b"], ["list", "lost"], ["simulate", "f", "--engine", "steam"]]
)
def test_wrong_usage_is_code_2(arguments: list[str]) -> None:
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 2
    assert "Usage:" in told.stderr
