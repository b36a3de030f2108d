"""Every recipe of docs/import-recipes.md gives what it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from doors.intake import column_mapping
from doors.intake.source_rows import SourceFile, SourceRow

TEXT = (Path(__file__).parents[2] / "docs" / "import-recipes.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<name>[\w.]+))?\n(?P<text>.*?)^```$", re.M | re.S)
HEAD, *RECIPES = re.split(r"^## ", TEXT, flags=re.MULTILINE)


def blocks(text: str) -> dict[str, str]:
    """The blocks of a recipe, by name or else by kind."""
    return {one["name"] or one["kind"]: one["text"] for one in BLOCK.finditer(text)}


def whole(recipe: str) -> str:
    """The mapping of a recipe, with the fields that all mappings have."""
    written: Any = yaml.load(recipe, Loader=yaml.BaseLoader)
    base: Any = yaml.load("fields:\n" + blocks(HEAD)["base"], Loader=yaml.BaseLoader)
    fields = {**base["fields"], **written.get("fields", {})}
    if "cycle" in fields:
        fields.pop("months")
    return yaml.safe_dump({**written, "fields": fields}, default_style='"')


def told(row: SourceRow, names: list[str]) -> str:
    """A row as a result shows it."""
    shown = [f"{name}={text(row.values[name])}" for name in names if name in row.values]
    return " ".join([row.id, *shown])


def text(value: Any) -> str:
    """A value as a result shows it. Numbers stand without their SKU."""
    return ",".join(one.number for one in value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.partition("\n")[0])
def test_a_recipe_gives_what_it_says(recipe: str, tmp_path: Path) -> None:
    found = blocks(recipe)
    for name, written in found.items():
        (tmp_path / name).write_text(written)
    mapping = column_mapping.parse(whole(found["yaml"]), tmp_path)
    rows = list(SourceFile(tmp_path / "csv", mapping).rows())
    assert [row.reasons for row in rows] == [[] for _ in rows]
    names = list(dict.fromkeys(re.findall(r"(\w+)=", found["result"])))
    assert [told(row, names) for row in rows] == found["result"].splitlines()
