"""`/v1/events`: what happens, as server-sent events. A caller that comes back misses nothing.

Each event has its number in the history as its id. A caller sends the last one that it has seen as
`Last-Event-ID`. The order is that of the history, with no line left out
(`doors/queries/event_stream.py`).
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator
from starlette.types import Receive, Scope, Send

from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.ledger.ledger import Ledger
from doors.application.patience import NotAvailable
from doors.http.callers import Caller, Calling
from doors.http.parameters import AccountQuery, TestClocks
from doors.http.problems import Kind, Problem, later
from doors.http.routes import Routes
from doors.queries.accounts import find_account
from doors.queries.event_stream import Complete, lines_between, newest_number

LOOK_SECONDS = 0.5
"""So often the history is looked at, for all streams of a process together."""
HEARTBEAT_SECONDS = 15.0
"""So often a stream without events says that it lives, and its key is checked again."""
LONGEST_SECONDS = 3600.0
"""A stream ends after so long. The caller comes back with the last id."""
MOST_STREAMS, MOST_OF_A_SELLER = 200, 20
"""So many streams one process serves, and so many of them for one seller."""

LastEventId = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event that you have seen. 0: from the beginning. "
        "Without it, what is committed from now on.",
    ),
    BeforeValidator(
        lambda value: (
            value if value is None else inputs.read_position(value, "the id of an event, or 0")
        )
    ),
]

routes = Routes("events")


@dataclass(slots=True)
class Streams:
    """The streams of a process: how many there are, and how far the history is complete."""

    ending: asyncio.Event = field(default_factory=asyncio.Event)
    _complete: Complete = field(default_factory=Complete)
    _of: dict[str, int] = field(default_factory=dict)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _looked: float = float("-inf")

    def begin(self, seller: str) -> None:
        """Count a stream. Raises `Problem` 429 when there are too many."""
        if self._of.get(seller, 0) >= MOST_OF_A_SELLER or sum(self._of.values()) >= MOST_STREAMS:
            raise later(Kind.TOO_MANY, f"{MOST_OF_A_SELLER} streams are allowed", 5)
        self._of[seller] = self._of.get(seller, 0) + 1

    def end(self, seller: str) -> None:
        """A stream has ended."""
        self._of[seller] -= 1

    async def complete(self, caller: Caller) -> int | None:
        """Up to which number the history is complete. The streams share one look at it."""

        def look(ledger: Ledger) -> int | None:
            with ledger.read() as connection:
                return self._complete.look(connection)

        async with self._looking:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                await caller.read(look)
                self._looked = time.monotonic()
        return self._complete.up_to

    async def pause(self) -> bool:
        """Wait until it is time to look again. Returns whether the server ends instead."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self.ending.wait()
        except TimeoutError:
            return False
        return True


@routes.stream("/events", "stream_events")
async def stream_events(
    caller: Calling,
    request: Request,
    account: AccountQuery = None,
    test_clocks: TestClocks = False,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """What happens, as server-sent events, in the order of the history (docs/webhooks.md).

    `data` of an event is the body that a webhook gets. Its `id` is its number in the history. Every
    event is sent once on a stream, and none is left out. A stream lasts an hour at most.
    """
    if account is not None:
        await caller.read(find_account, account)
    if last_event_id is not None:
        await caller.read(_require_happened, last_event_id)
    streams: Streams = request.app.state.streams
    streams.begin(caller.seller)
    return _Counted(
        _told(request, caller, streams, account, test_clocks, last_event_id), streams, caller.seller
    )


def _require_happened(ledger: Ledger, number: int) -> None:
    """Refuse a number that the history has not reached. What comes up to it would be left out."""
    newest = newest_number(ledger)
    if number > newest:
        reason = f"{number} has not happened; allowed are 0 to {newest}"
        raise Faults([Fault("Last-Event-ID", reason)])


class _Counted(StreamingResponse):
    """A stream that is counted until it ends, also when its caller has gone before it began."""

    media_type = "text/event-stream"

    def __init__(self, told: AsyncIterator[str], streams: Streams, seller: str) -> None:
        super().__init__(told)
        self._end = partial(streams.end, seller)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()


async def _told(
    request: Request,
    caller: Caller,
    streams: Streams,
    account: str | None,
    test_clocks: bool,
    after: int | None,
) -> AsyncIterator[str]:
    began = heard = time.monotonic()
    try:
        yield "retry: 2000\n\n"
        while time.monotonic() - began < LONGEST_SECONDS:
            up_to = await streams.complete(caller)
            if after is None:
                after = up_to
            more = False
            if after is not None and up_to is not None and after < up_to:
                lines, reached = await caller.read(
                    lines_between, after, up_to, account=account, test_clocks=test_clocks
                )
                after, more = reached, reached < up_to
                for line in lines:
                    yield f"id: {line.seq}\nevent: {line.event}\ndata: {json.dumps(line.body)}\n\n"
                heard = time.monotonic() if lines else heard
            if time.monotonic() - heard >= HEARTBEAT_SECONDS:
                if not await _still_allowed(request):
                    return
                heard = time.monotonic()
                yield f": still here\nid: {after or 0}\n\n" if after else ": still here\n\n"
            if streams.ending.is_set() or (not more and await streams.pause()):
                return
    except NotAvailable:  # The caller comes back, and is told then that the database is away.
        return


async def _still_allowed(request: Request) -> bool:
    """Whether the key still may read events. It may have been revoked meanwhile."""
    try:
        await request.app.state.callers.find(request, "stream_events")
    except Problem as problem:
        return problem.kind is Kind.TOO_MANY
    return True
