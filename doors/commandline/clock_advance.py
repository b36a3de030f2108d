"""Letting time pass on a test clock from the command line, with a progress bar."""

from datetime import datetime

from doors.commandline import errors
from doors.commandline.progress import passing


async def advance(clock: str, now: datetime, until: datetime) -> None:
    """Advance a clock that stands at `now`; whoever interrupts it can go on later."""
    config = errors.configured()
    async with errors.perennial(config) as perennial:
        await errors.require_workers(perennial, config)
        with passing(now, until) as progress:
            await perennial.advance(clock, until, progress=progress)
