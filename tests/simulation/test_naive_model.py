"""The direct engine and the naive model (tests/simulation/naive.py) have the same results.

They are compared over all examples, and over scenarios that hypothesis generates. The model knows
three cards: none, ok, declined. Hypothesis draws what the gateway does with the two stored cards.
The gateway may lose its reply after the charge, or never receive the first call. In both cases the
card is charged once.
"""

import asyncio
import difflib
import json
from collections.abc import Callable
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from activities.registry import Activities
from core.domain.calendar import first_instant
from core.gateways.cards import GatewayUnavailable
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.ledger import Ledger
from doors.application.direct_engine import Direct
from doors.scenarios import document as documents
from doors.scenarios.scenario import parse
from doors.scenarios.step_shapes import CARDS
from doors.simulation.player import play
from tests.simulation import naive
from tests.simulation.how_many import scenarios_in_ci
from tests.simulation.stories import ZONES, scenarios
from tests.simulation.test_examples import EXAMPLES, PLAYED, without_free_text

tokens = st.fixed_dictionaries(
    {
        "ok": st.sampled_from(["sim_ok", "sim_timeout_charged", "sim_timeout_uncharged"]),
        "declined": st.sampled_from(["sim_declined", "sim_insufficient"]),
    }
)


class Patient(Activities):
    """Repeats a charge once if the gateway did not reply, as a workflow does."""

    def call(self, name: str, request: Any) -> Any:
        try:
            return super().call(name, request)
        except GatewayUnavailable:
            return super().call(name, request)


@pytest.fixture
def engine(
    new_ledger: Callable[[], Ledger],
) -> Callable[[str, dict[str, str]], dict[str, Any]]:
    """Plays a scenario by the direct engine.

    The second argument maps the cards of the scenario to tokens of the gateway.
    """

    def play_directly(text: str, cards: dict[str, str]) -> dict[str, Any]:
        ledger = new_ledger()
        engine = Direct(Patient(ledger, SimulatedCards(ledger.engine)))
        with patch.dict(CARDS, cards):
            return asyncio.run(play(parse(text), ledger, engine))

    return play_directly


def without_its_ledger(result: dict[str, Any]) -> dict[str, Any]:
    """The part of a result that the model computes. The model keeps no ledger."""
    return {key: value for key, value in without_free_text(result).items() if key != "ledger_sum"}


def difference(model: dict[str, Any], engine: dict[str, Any]) -> str:
    """The lines in which two results differ, with some context. Empty if they are equal."""
    return "\n".join(
        difflib.unified_diff(
            _lines(model), _lines(engine), "the naive model", "the engine", lineterm="", n=2
        )
    )


def _lines(result: dict[str, Any]) -> list[str]:
    """One line per event, invoice and refusal, and per value of a subscription or account."""
    lines = []
    for part, entries in result.items():
        if isinstance(entries, dict):
            lines += [
                f"{part} {id_} {key}: {value}"
                for id_, state in sorted(entries.items())
                for key, value in state.items()
            ]
        else:
            lines += [
                f"{part} {' '.join(f'{key}={entry[key]}' for key in sorted(entry))}"
                for entry in entries
            ]
    return lines


def readable(story: dict[str, Any]) -> str:
    """A story as text, with one line per part."""
    parts = [f"{key}: {json.dumps(story[key])}" for key in ("policy", "until")]
    return "\n".join(
        parts
        + [
            f"{key}: {json.dumps(entry)}"
            for key in ("catalog", "accounts", "steps")
            for entry in story[key]
        ]
    )


@given(scenarios(), tokens)
@settings(
    max_examples=scenarios_in_ci(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
def test_a_made_up_scenario_comes_to_the_same_by_the_engine_and_by_the_naive_model(
    engine: Callable[[str, dict[str, str]], dict[str, Any]],
    story: dict[str, Any],
    cards: dict[str, str],
) -> None:
    note(readable(story))
    note(f"cards: {cards}")
    result = engine(json.dumps(story), cards)
    for told in sorted({line["event"] for line in result["timeline"]}):
        event(told)
    if differs := difference(naive.play(story), without_its_ledger(result)):
        pytest.fail(f"the engine differs from the naive model:\n{differs}", pytrace=False)
    assert result["ledger_sum"] == "0.00"


@pytest.mark.parametrize("name", PLAYED)
def test_an_example_comes_to_its_result_by_the_naive_model(name: str) -> None:
    story, _ = documents.read((EXAMPLES / f"{name}.yaml").read_bytes())
    if differs := difference(
        naive.play(story), without_its_ledger(json.loads((EXAMPLES / f"{name}.json").read_text()))
    ):
        pytest.fail(f"the naive model differs from the example:\n{differs}", pytrace=False)


@given(st.dates(date(1972, 1, 1), date(2037, 12, 31)), st.sampled_from(sorted(ZONES)))
def test_rule_1_4_a_day_begins_when_the_naive_model_says(day: date, zone: str) -> None:
    assert first_instant(day, zone) == naive.first_instant(day, zone)
