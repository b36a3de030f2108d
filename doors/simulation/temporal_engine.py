"""The Temporal engine: the real workflows on a real server, on a test clock. It starts the workers it needs in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from local.stack import Addresses
from settings import Settings


@asynccontextmanager
async def engine(addresses: Addresses, config: Settings) -> AsyncIterator[Perennial]:
    """A client on a stack of its own, with workers beside it: what plays a scenario by workflows (`doors.simulation.player`)."""
    async with (
        Perennial.connect(addresses.database_url, addresses.temporal_address, config) as perennial,
        running(ROLES, perennial, config),
    ):
        yield perennial
