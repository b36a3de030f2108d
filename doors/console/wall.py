"""The wall: what an operator looks at to see whether renewals are made and money comes in.

Each figure is read by itself, two at a time, and kept for a minute. Who looks later gets the kept
one at once, with the instant at which it was read, while a new one is read behind. When none is
kept, the page waits a tenth of a second for all of them. Then it says which are being counted, and
shows each as soon as it is there.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from core.ledger.clocks import machine_now
from doors.access import operations
from doors.access.staff import StaffCaller
from doors.application.worker_presence import worker_presence
from doors.console.clock_choice import first_clocks
from doors.console.pages import Page, Pages
from doors.console.parameters import SomeId
from doors.console.visitors import Visiting
from doors.console.wall_figures import MONEY, SOURCES, TITLES, WORK, Figure, Source, cell_text
from doors.http.file_headers import CSV, kept_as
from doors.queries.snapshot import NotFound
from doors.queries.wall.scope import MOST_DAYS

pages = Pages()

SPANS = (1, 7, 14, 31, 62)
"""How many days can be shown."""
FRESH, STALE = timedelta(minutes=1), timedelta(minutes=15)
"""Younger ones are shown as they are. Older ones than the second are never shown."""
WAITS = 0.1
"""So many seconds a page waits for figures."""
_AT_ONCE = 2
"""So many sources are read at the same time, so that other pages have connections."""
_MOST_KEPT = 500

Days = Annotated[int, Query(ge=1, le=MOST_DAYS)]
_Key = tuple[str, str, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """Figures, and when they were read (UTC)."""

    at: datetime
    figures: list[Figure]

    @property
    def by_name(self) -> dict[str, Figure]:
        """The figures by their names."""
        return {it.name: it for it in self.figures}


class Keeper:
    """Keeps figures for a short while, so that many people can look at a wall.

    `waits`: so many seconds `at_once` waits.
    """

    def __init__(self, waits: float = WAITS) -> None:
        self.waits = waits
        self._kept: OrderedDict[_Key, Kept] = OrderedDict()
        self._reading: dict[_Key, asyncio.Task[Kept]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def at_once(
        self, visitor: StaffCaller, sources: Sequence[Source], days: int, clock: str | None
    ) -> list[Kept | None]:
        """The figures of each source. None: they are being read.

        Raises NotFound for a test clock that does not exist.
        """
        asked = [asyncio.ensure_future(self.figures(visitor, it, days, clock)) for it in sources]
        there, _ = await asyncio.wait(asked, timeout=self.waits)
        for each in asked:
            each.cancel()  # The reading itself goes on.
        for error in [each.exception() for each in there]:
            if error is not None:
                raise error
        return [each.result() if each in there else None for each in asked]

    async def figures(
        self, visitor: StaffCaller, source: Source, days: int, clock: str | None
    ) -> Kept:
        """The figures of a source, which are waited for. Raises NotFound as `at_once`."""
        shown = min(days, source.most) if source.by_days else None
        key = (visitor.seller, source.names[0], shown, clock)
        kept = self._kept.get(key)
        age = None if kept is None else machine_now() - kept.at
        if kept is not None and age is not None and age < FRESH:
            return kept
        if key not in self._reading:
            task = asyncio.create_task(self._read(key, visitor, source, days))
            self._reading[key] = task
            task.add_done_callback(partial(self._ended, key))
        if kept is not None and age is not None and age < STALE:
            return kept
        return await asyncio.shield(self._reading[key])

    def _ended(self, key: _Key, task: asyncio.Task[Kept]) -> None:
        self._reading.pop(key, None)
        if not task.cancelled():
            task.exception()  # Who waits gets it. Who waits no longer asks again.

    async def _read(self, key: _Key, visitor: StaffCaller, source: Source, days: int) -> Kept:
        async with self._turn:
            at = machine_now()
            kept = Kept(at, await visitor.read(source.figures, days, key[-1]))
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return kept


def _keeper(request: Request) -> Keeper:
    keeper: Keeper = request.app.state.wall
    return keeper


@pages.get("/wall", WORK)
async def wall(request: Request, visitor: Visiting, days: Days = 14, clock: SomeId = None) -> Page:
    """All figures that the visitor may see."""
    sees = [it for it in SOURCES if operations.may(visitor.role, it.operation)]
    perennial = visitor.perennial
    workers, clocks, found = await asyncio.gather(
        worker_presence(perennial.temporal, perennial.config),
        visitor.read(first_clocks),
        _keeper(request).at_once(visitor, sees, days, clock),
    )
    places: list[tuple[str, str, Figure | None]] = []
    for source, kept in zip(sees, found, strict=True):
        figures = dict.fromkeys(source.names) if kept is None else kept.by_name
        places += [(source.operation, name, it) for name, it in figures.items()]
    return Page(
        template="wall.html",
        shows={
            "places": places,
            "titles": TITLES,
            "at": min((kept.at for kept in found if kept is not None), default=None),
            "counting": sum(1 for _, _, it in places if it is None),
            "workers": workers,
            "clocks": clocks,
            "clock": clock,
            "days": days,
            "spans": SPANS,
            "cell_text": cell_text,
            "money": MONEY,
        },
    )


@pages.get("/wall/work/{figure}", WORK)
async def work_csv(
    request: Request, visitor: Visiting, figure: str, days: Days = 14, clock: SomeId = None
) -> Response:
    """The numbers of a figure of renewals as CSV."""
    return await _csv(request, visitor, WORK, figure, days, clock)


@pages.get("/wall/money/{figure}", MONEY)
async def money_csv(
    request: Request, visitor: Visiting, figure: str, days: Days = 14, clock: SomeId = None
) -> Response:
    """The numbers of a figure of money as CSV."""
    return await _csv(request, visitor, MONEY, figure, days, clock)


async def _csv(
    request: Request,
    visitor: StaffCaller,
    operation: str,
    name: str,
    days: int,
    clock: str | None,
) -> Response:
    source = next((it for it in SOURCES if it.operation == operation and name in it.names), None)
    if source is None:
        raise NotFound("the wall has no such figure")
    kept = await _keeper(request).figures(visitor, source, days, clock)
    return Response(kept.by_name[name].csv(), media_type=CSV, headers=kept_as(f"{name}.csv"))
