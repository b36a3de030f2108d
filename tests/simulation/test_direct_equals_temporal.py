"""Both engines give the same result (docs/scenario.md).

They are compared over all examples, over the stories of docs/features.md, and over scenarios that
hypothesis generates.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from activities.registry import Activities
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.ledger import Ledger
from doors.application.direct_engine import Direct
from doors.scenarios.scenario import Scenario, parse
from doors.simulation.player import play
from doors.simulation.temporal_engine import engine
from settings import PROJECT, Settings
from tests.shared_database import NewDatabase
from tests.simulation.how_many import scenarios_in_ci
from tests.simulation.stories import scenarios

EXAMPLES = sorted(
    [path.with_suffix(".yaml") for path in Path(__file__).parent.glob("examples/*.json")]
    + list((PROJECT / "examples" / "scenarios").glob("*.yaml"))
)


@pytest.fixture
def both(
    new_ledger: Callable[[], Ledger],
    new_database: NewDatabase,
    temporal_address: str,
    new_namespace: Callable[[], str],
) -> Callable[[Scenario], tuple[dict[str, Any], dict[str, Any]]]:
    """Plays a scenario by both engines, each in its own database.

    Each scenario has its own namespace of Temporal, because all scenarios use the same ids.
    """

    def play_both(scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
        by_calls = asyncio.run(direct(scenario, new_ledger()))
        with new_database() as url:
            played = temporal(scenario, url, temporal_address, new_namespace())
            return by_calls, asyncio.run(played)

    return play_both


async def direct(scenario: Scenario, ledger: Ledger) -> dict[str, Any]:
    return await play(scenario, ledger, Direct(Activities(ledger, SimulatedCards(ledger.engine))))


async def temporal(scenario: Scenario, url: str, address: str, namespace: str) -> dict[str, Any]:
    config = Settings(cycles_per_run=2, temporal_namespace=namespace)
    async with engine(url, address, config) as perennial:
        return await play(scenario, perennial.ledger, perennial)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gives_the_same_by_both_engines(
    example: Path, both: Callable[[Scenario], tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    scenario = parse(example.read_bytes())
    by_calls, by_workflows = both(scenario)
    assert by_calls == by_workflows


@given(scenarios())
@settings(
    max_examples=scenarios_in_ci(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
def test_a_made_up_scenario_gives_the_same_by_both_engines(
    both: Callable[[Scenario], tuple[dict[str, Any], dict[str, Any]]], document: dict[str, Any]
) -> None:
    by_calls, by_workflows = both(parse(json.dumps(document)))
    assert by_calls == by_workflows
    assert by_calls["ledger_sum"] == "0.00"
