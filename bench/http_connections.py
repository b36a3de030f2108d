"""Many slow connections to the HTTP API: each sends half a request and waits."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

HALF = b"POST /v1/commands/extend HTTP/1.1\r\nHost: x\r\nContent-Le"
AT_ONCE = 100
_LAST_CUT_SECONDS = 60.0


@dataclass(slots=True)
class Slow:
    """What came of many slow connections.

    `opened`: how many were opened. `most_held`: how many the server held at once, at most.
    `seconds`: of each read of a caller who sends whole requests meanwhile.
    `statuses`: the statuses of these reads that are no 200.
    `cut_after`: the seconds after which the last connection was cut. None: one was not.
    """

    opened: int = 0
    most_held: int = 0
    seconds: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    cut_after: float | None = None


class _Connection(asyncio.Protocol):
    def __init__(self, held: "set[_Connection]", slow: Slow) -> None:
        self._held, self._slow = held, slow

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(HALF)
        self._held.add(self)
        self._slow.opened += 1
        self._slow.most_held = max(self._slow.most_held, len(self._held))

    def connection_lost(self, exc: Exception | None) -> None:
        self._held.discard(self)


async def slow_connections(client: httpx.AsyncClient, many: int, reads: Sequence[str]) -> Slow:
    """Open so many slow connections, and read meanwhile, until all of them are cut.

    `client`: a caller with a key. `reads`: paths that it reads, in turn.
    """
    slow, held = Slow(), set[_Connection]()
    loop, host = asyncio.get_running_loop(), client.base_url.host
    port = client.base_url.port or 80
    done = asyncio.Event()

    async def read() -> None:
        number = 0
        while not done.is_set():
            began = time.perf_counter()
            response = await client.get(reads[number % len(reads)])
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                await asyncio.sleep(float(response.headers["Retry-After"]))
                continue
            slow.seconds.append(time.perf_counter() - began)
            if response.status_code != httpx.codes.OK:
                slow.statuses.append(response.status_code)
            number += 1
            await asyncio.sleep(0.05)

    reading = asyncio.create_task(read())
    for first in range(0, many, AT_ONCE):
        with suppress(OSError):  # One that the server refuses at once is not opened.
            await asyncio.gather(
                *(
                    loop.create_connection(lambda: _Connection(held, slow), host, port)
                    for _ in range(min(AT_ONCE, many - first))
                )
            )
    opened = time.monotonic()
    while held and time.monotonic() - opened < _LAST_CUT_SECONDS:
        await asyncio.sleep(0.1)
    slow.cut_after = None if held else time.monotonic() - opened
    done.set()
    await reading
    return slow
