"""The Temporal engine: the real workflows on a real server, on a test clock.

It starts the workers that it needs in this process.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from settings import Settings


@asynccontextmanager
async def engine(
    database_url: str, temporal_address: str, config: Settings
) -> AsyncIterator[Perennial]:
    """Connect to empty servers and run workers. `doors.simulation.player` plays on the result."""
    async with (
        Perennial.connect(database_url, temporal_address, config) as perennial,
        running(ROLES, perennial, config),
    ):
        yield perennial
