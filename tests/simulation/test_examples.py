"""The examples of the scenario format (docs/scenario.md): those of the sections that are built equal their results to the cent and to the
day; the others are valid and say that they are not built yet. Invoice numbers, texts, and reasons of refusals are free."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.domain.faults import Faults
from doors.simulation.scenario import NotBuilt, parse
from tests.stories.story import tell

EXAMPLES = Path(__file__).parent / "examples"
BUILT = (
    "card-declined-then-recover",
    "outage-over-renewal-date",
    "purchase-quantity-jpy",
    "reactivate-keeps-schedule-kwd",
    "refund-day-14-and-15",
    "refusals-by-status",
)
LATER = (
    "activation-fee-and-24-hours",
    "number-holds-after-expiry",
    "postpaid-month-end",
    "trial-end-convert",
    "upgrade-yearly",
)
FAULTY = ("fault-unknown-key",)


def test_every_example_is_tested():
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == sorted(BUILT + LATER + FAULTY)


@pytest.mark.parametrize("name", BUILT)
def test_a_built_example_gives_its_result(name: str, database: str):
    told = tell((EXAMPLES / f"{name}.yaml").read_text(), database)
    assert without_free_text(told.result) == without_free_text(
        json.loads((EXAMPLES / f"{name}.json").read_text())
    )


@pytest.mark.parametrize("name", LATER)
def test_an_example_of_a_later_section_is_not_built_yet(name: str):
    with pytest.raises(NotBuilt):
        parse((EXAMPLES / f"{name}.yaml").read_bytes())


@pytest.mark.parametrize("name", FAULTY)
def test_an_example_with_a_fault_has_it(name: str):
    with pytest.raises(Faults) as error:
        parse((EXAMPLES / f"{name}.yaml").read_bytes())
    assert not isinstance(error.value, NotBuilt)


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
