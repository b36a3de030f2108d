"""Letting time pass on a test clock from the command line, with a progress bar."""

from datetime import datetime

from terminal import door
from terminal.progress import passing


async def advance(clock: str, now: datetime, until: datetime) -> None:
    """Advance a clock that stands at `now`; whoever interrupts it can go on later."""
    config = door.configured()
    async with door.perennial(config) as perennial:
        await door.require_workers(perennial, config)
        with passing(now, until) as progress:
            await perennial.advance(clock, until, progress=progress)
