"""Plays a scenario on servers of its own, which are gone afterwards: nothing real is touched."""

from typing import Any

from activities.registry import Activities
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from doors.simulation import temporal_engine
from doors.simulation.direct_engine import Direct
from doors.simulation.player import play
from doors.simulation.scenario import Scenario
from local import postgres, stack
from settings import Settings


async def directly(scenario: Scenario, config: Settings) -> dict[str, Any]:
    """By plain calls, on a PostgreSQL of its own; the answer is as docs/scenario.md describes."""
    with postgres.throwaway(config) as url:
        migrate(url)
        ledger = Ledger(connect(url, pool_size=2), config.seller)
        try:
            return await play(
                scenario, ledger, Direct(Activities(ledger, SimulatedCards(ledger.engine)))
            )
        finally:
            ledger.engine.dispose()


async def by_temporal(scenario: Scenario, config: Settings) -> dict[str, Any]:
    """By real workflows, on a PostgreSQL and a Temporal server of its own; the same answer."""
    own = config.model_copy(
        update={
            "temporal_namespace": "default",
            "temporal_api_key": None,
            "temporal_tls": False,
            "jitter_seconds": 0,
        }
    )
    with stack.throwaway(own) as addresses:
        migrate(addresses.database_url)
        async with temporal_engine.engine(addresses, own) as engine:
            return await play(scenario, engine.ledger, engine)
