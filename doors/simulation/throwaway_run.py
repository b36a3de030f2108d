"""Plays a scenario on temporary servers, which are gone afterwards. No real data is touched."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from activities.registry import Activities
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from doors.application.direct_engine import Direct
from doors.scenarios.scenario import Scenario
from doors.simulation import temporal_engine
from doors.simulation.player import play
from settings import Settings


class TemporaryAddresses(Protocol):
    """Where a temporary PostgreSQL and Temporal server are."""

    @property
    def database_url(self) -> str: ...
    @property
    def temporal_address(self) -> str: ...


class TemporaryServers(Protocol):
    """The port to temporary servers. The embedded stack provides them."""

    def throwaway(self, config: Settings) -> AbstractContextManager[TemporaryAddresses]:
        """Open a temporary PostgreSQL and Temporal server."""
        ...

    def throwaway_database(self, config: Settings) -> AbstractContextManager[str]:
        """Open a temporary PostgreSQL. The value is its URL."""
        ...


async def directly(
    scenario: Scenario, config: Settings, servers: TemporaryServers
) -> dict[str, Any]:
    """Play by plain calls. Returns the report that docs/scenario.md describes."""
    with servers.throwaway_database(config) as url:
        migrate(url)
        ledger = Ledger(connect(url, pool_size=2), config.seller)
        try:
            engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
            return await play(scenario, ledger, engine)
        finally:
            ledger.engine.dispose()


async def by_temporal(
    scenario: Scenario, config: Settings, servers: TemporaryServers
) -> dict[str, Any]:
    """Play by real workflows. Returns the same report."""
    own = config.model_copy(
        update={
            "temporal_namespace": "default",
            "temporal_api_key": None,
            "temporal_tls": False,
            "jitter_seconds": 0,
        }
    )
    with servers.throwaway(own) as where:
        migrate(where.database_url)
        async with temporal_engine.engine(
            where.database_url, where.temporal_address, own
        ) as engine:
            return await play(scenario, engine.ledger, engine)
