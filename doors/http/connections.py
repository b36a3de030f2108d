"""The connections of a server: slow ones are cut, and many of them leave room for others.

A caller has so many seconds to send the head of a request, and to go on reading a response. The
connections that have no request under way are bounded together: when there are too many, the one
that has waited longest is closed. So a caller who sends a request at once gets through.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""So long a caller may take to send the head of a request."""
HEAD_BYTES = 65_536
"""So large the head of a request may be."""
IDLE_SECONDS = 30
"""So long a connection without a request is kept."""
STALLED_SECONDS = 30.0
"""So long a caller may read nothing of a response that waits for it."""
MOST_WAITING = 5_000
"""So many connections without a request under way one server keeps."""
MOST_UNDER_WAY = 1_000
"""So many requests a server works on at once. More are told to come back (503)."""
_OTHER_FILES = 200
"""Open files that are left for the databases and the rest of the process."""


class Room:
    """The connections of a server that have no request under way, the oldest first.

    `most`: how many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[_Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, connection: "_Connection") -> None:
        """A connection begins to wait for a request. The oldest one may be closed for it."""
        self._waiting[connection] = None
        if len(self._waiting) > self._most:
            oldest, _ = self._waiting.popitem(last=False)
            oldest.cut()

    def leave(self, connection: "_Connection") -> None:
        """A connection has a request under way, or has ended."""
        self._waiting.pop(connection, None)


class _Connection(HttpToolsProtocol):
    """One connection of a server, in its room."""

    room: Room
    _limit: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _in_message = False
    _head = _heads = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._goes_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._heads, self._in_message
        super().data_received(data)
        if self._in_message or before != (self._heads, self._in_message):
            self._head = 0
        else:  # All of it belongs to a head that has no end yet.
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self.cut()

    def on_headers_complete(self) -> None:
        self._heads, self._in_message = self._heads + 1, True
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._wait(IDLE_SECONDS + HEAD_SECONDS)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.cut)

    def resume_writing(self) -> None:
        self._goes_on()
        super().resume_writing()

    def cut(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._limit = self.loop.call_later(seconds, self.cut)
        self.room.enter(self)

    def _stop_waiting(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self.room.leave(self)

    def _goes_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def connections_of(room: Room) -> type[HttpToolsProtocol]:
    """The protocol of a server whose waiting connections are in this room."""
    return type("Connection", (_Connection,), {"room": room})


def most_waiting() -> int:
    """How many connections may wait in this process: `MOST_WAITING`, or what its files allow.

    The limit of open files of the process is raised as far as it may be.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return MOST_WAITING
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_WAITING + MOST_UNDER_WAY + _OTHER_FILES
    if allowed < wanted and allowed != resource.RLIM_INFINITY:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed == resource.RLIM_INFINITY:
        return MOST_WAITING
    return max(100, min(MOST_WAITING, allowed - MOST_UNDER_WAY - _OTHER_FILES))
