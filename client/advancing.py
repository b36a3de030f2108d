"""Letting time pass on a test clock from the command line, with a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from client import door


async def advance(clock: str, now: datetime, until: datetime) -> None:
    """Advance a clock that stands at `now`; whoever interrupts it can go on later."""
    config = door.configured()
    async with door.perennial(config) as perennial:
        await door.require_workers(perennial, config)
        with passing(now, until) as progress:
            await perennial.advance(clock, until, progress=progress)


@contextmanager
def passing(now: datetime, until: datetime, console: Console | None = None) -> Iterator[Callable[[datetime], None]]:
    """A bar on stderr that shows where the time is; call what it yields with each instant."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(),
        console=console or Console(stderr=True), transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task(f"{now:%Y-%m-%d}", total=max((until - now).total_seconds(), 1))
        yield lambda at: bar.update(task, completed=(at - now).total_seconds(), description=f"{at:%Y-%m-%d}")
