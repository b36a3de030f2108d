"""Progress bars on stderr. Outside a terminal, each tenth is a line of text instead."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from doors.application.safe_text import printable


class _Rate(ProgressColumn):
    """The rate per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


@contextmanager
def passing(
    begin: datetime, until: datetime, console: Console | None = None
) -> Iterator[Callable[[datetime], None]]:
    """Show time passing on a test clock. Call the value with each instant that is done."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with _bar(f"{begin:%Y-%m-%d}", columns, console) as update:
        total = max((until - begin).total_seconds(), 1.0)
        yield lambda at: update((at - begin).total_seconds(), total, f"{at:%Y-%m-%d}")


@contextmanager
def counting(
    title: str, console: Console | None = None, *, again: str = ""
) -> Iterator[Callable[[int, int], None]]:
    """Show a count with rate and remaining time. Call the value with (done, total).

    `again`: what to say when ctrl-C ends the work. Default: nothing.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    shown = printable(title)
    try:
        with _bar(shown, columns, console) as update:
            yield lambda done, total: update(float(done), float(total), shown)
    except (KeyboardInterrupt, asyncio.CancelledError):
        if again:
            (console or Console(stderr=True)).print(Text(again))
        raise


@contextmanager
def _bar(
    title: str, columns: tuple[ProgressColumn, ...], console: Console | None
) -> Iterator[Callable[[float, float, str], None]]:
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total, text: progress.update(
            task, completed=int(done), total=int(total), description=text
        )


def _lines(console: Console) -> Callable[[float, float, str], None]:
    tenth = 0

    def update(done: float, total: float, title: str) -> None:
        nonlocal tenth
        now = int(10 * done / total) if total else 10
        if now > tenth:
            tenth = now
            console.print(Text(f"  {title}: {10 * now} %"))

    return update
