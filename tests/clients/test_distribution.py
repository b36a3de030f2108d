"""The Python client is in step with the API, and stands alone."""

import ast
import dataclasses
import sys
from pathlib import Path

import pytest
from perennial_client import AsyncPerennial, Perennial, Unreadable, commands, views
from perennial_client.commands import Wanted
from perennial_client.plain import build

from clients.python.generate import PACKAGE, files
from settings import PROJECT

ALLOWED = sys.stdlib_module_names | {"httpx", "perennial_client"}


def test_the_files_that_follow_the_api_are_in_step() -> None:
    """`make client` writes them anew."""
    for path, text in files().items():
        assert path.read_text() == text, f"{path.name} is old; run make client"


def test_everything_that_is_read_has_a_form() -> None:
    for kind in (*vars(commands).values(), *vars(views).values()):
        if dataclasses.is_dataclass(kind) and "returns" not in vars(kind) and kind is not Wanted:
            with pytest.raises(Unreadable):
                build(kind[str] if kind is views.Preview else kind, None)


def test_each_method_stands_once() -> None:
    """Else one of two with the same name could not be called."""
    for kind in (Perennial, AsyncPerennial):
        named = [
            name
            for part in kind.__mro__[:-1]
            if part.__module__.startswith("perennial_client")
            for name in vars(part)
            if not name.startswith("_")
        ]
        assert sorted(set(named)) == sorted(named)


def imported(path: Path) -> set[str]:
    """The packages that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                found |= {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
    return found


def test_it_imports_nothing_of_the_product() -> None:
    for path in PACKAGE.glob("*.py"):
        assert imported(path) <= ALLOWED, path.name
    assert (PACKAGE / "py.typed").exists()


def test_its_readme_names_each_file() -> None:
    readme = (PROJECT / "clients/python/README.md").read_text()
    for path in PACKAGE.glob("*.py"):
        assert f"`{path.name}`" in readme or path.name == "__init__.py", path.name
