"""The examples of the scenario format (docs/scenario.md).

Examples that use only what is built equal their results, to the cent and to the day. The others
are valid and are reported as not built yet. Invoice numbers, texts and reasons of refusals are
free.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from core.domain.faults import Faults
from doors.simulation.scenario import NotBuilt, parse
from settings import PROJECT
from tests.stories.story import tell

EXAMPLES = Path(__file__).parent / "examples"
BUILT = (
    "postpaid-month-end",
    "auto-top-up",
    "mode-switch",
    "transfer-and-adjust",
    "activation-fee-and-24-hours",
    "byoi-and-transfer-of-numbers",
    "contract-as-incurred",
    "discount",
    "external-invoice",
    "monthly-invoice-in-an-outage",
    "number-holds-after-expiry",
    "number-swap-and-holds",
    "numbers-removed-at-renewal",
    "addons-fewer-and-more",
    "alignment-monthly",
    "card-declined-then-recover",
    "change-owner",
    "outage-over-renewal-date",
    "pending-yearly-plan",
    "purchase-quantity-jpy",
    "reactivate-keeps-schedule-kwd",
    "refund-administrative-fee",
    "refund-day-14-and-15",
    "refusals-by-status",
    "trial-end-convert",
    "trial-expires-then-converted",
    "upgrade-with-next-period-paid",
    "upgrade-yearly",
)
LATER = ("seller-wallet-short",)
#: The scenarios of the folder examples/, for people.
SHOWN = sorted(
    path.name for path in (PROJECT / "examples").glob("*.yaml") if "steps:" in path.read_text()
)
FAULTY = ("fault-unknown-key",)


def test_every_example_is_tested():
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == sorted(BUILT + LATER + FAULTY)
    assert sorted(path.stem for path in EXAMPLES.glob("*.json")) == sorted(BUILT + LATER)


@pytest.mark.parametrize("name", BUILT)
def test_a_built_example_gives_its_result(name: str, database: str):
    told = tell((EXAMPLES / f"{name}.yaml").read_text(), database)
    assert without_free_text(told.result) == without_free_text(
        json.loads((EXAMPLES / f"{name}.json").read_text())
    )


@pytest.mark.parametrize("name", SHOWN)
def test_a_scenario_that_people_are_shown_can_be_played(name: str, database: str):
    told = tell((PROJECT / "examples" / name).read_text(), database)
    assert told.result["subscriptions"]


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
