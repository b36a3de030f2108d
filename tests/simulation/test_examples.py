"""The examples of the scenario format (docs/scenario.md).

They equal their results, to the cent and to the day. Invoice numbers, texts and reasons of refusals
are free.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from core.domain.faults import Faults
from doors.scenarios.scenario import parse
from settings import PROJECT
from tests.stories.story import tell

EXAMPLES = Path(__file__).parent / "examples"
#: The scenarios of the folder examples/, for people. Assumptions have steps too, but no accounts.
SHOWN = sorted(
    path.name
    for path in (PROJECT / "examples").glob("*.yaml")
    if {"accounts:", "steps:"} <= {line.rstrip() for line in path.read_text().splitlines()}
)
FAULTY = ("fault-unknown-key",)
PLAYED = sorted(path.stem for path in EXAMPLES.glob("*.yaml") if path.stem not in FAULTY)


def test_every_example_but_those_with_faults_has_its_result():
    assert sorted(path.stem for path in EXAMPLES.glob("*.json")) == PLAYED


@pytest.mark.parametrize("name", PLAYED)
def test_an_example_gives_its_result(name: str, database: str):
    told = tell((EXAMPLES / f"{name}.yaml").read_text(), database)
    assert without_free_text(told.result) == without_free_text(
        json.loads((EXAMPLES / f"{name}.json").read_text())
    )


@pytest.mark.parametrize("name", SHOWN)
def test_a_scenario_that_people_are_shown_can_be_played(name: str, database: str):
    told = tell((PROJECT / "examples" / name).read_text(), database)
    assert told.result["subscriptions"]


@pytest.mark.parametrize("name", FAULTY)
def test_an_example_with_a_fault_has_it(name: str):
    with pytest.raises(Faults):
        parse((EXAMPLES / f"{name}.yaml").read_bytes())


def without_free_text(result: dict[str, Any]) -> dict[str, Any]:
    return result | {
        "invoices": [
            {k: v for k, v in invoice.items() if k not in ("number", "lines")}
            | {"lines": [line["amount"] for line in invoice["lines"]]}
            for invoice in result["invoices"]
        ],
        "refused": [
            {k: v for k, v in refusal.items() if k != "reason"} for refusal in result["refused"]
        ],
    }
