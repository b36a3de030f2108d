"""Connections: slow ones are cut, many of them do not stop others, and what is large is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from doors.http import connections, edge, server
from doors.http.edge import Edge
from doors.http.server import listen, serving

HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that greets."""
    await PlainTextResponse("hello")(scope, receive, send)


@asynccontextmanager
async def opened(app: ASGIApp = hello) -> AsyncIterator[int]:
    """A server. The value is its port."""
    at = listen("api", "127.0.0.1", 0, 1)
    async with serving(Edge(app), at) as address:
        yield int(address.rpartition(":")[2])


async def send(port: int, content: bytes) -> Socket:
    """A new connection that has sent something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    await writer.drain()
    return reader, writer


async def ended(connection: Socket) -> bytes:
    """What a connection is told until the server ends it. Fails after 30 seconds."""
    told = b""
    async with asyncio.timeout(30):
        try:
            while more := await connection[0].read(65_536):
                told += more
        except ConnectionResetError:
            pass
    connection[1].close()
    return told


async def test_a_head_that_does_not_come_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing at all, half a head, and half a head after a whole request."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.2)
    async with opened() as port:
        for content in (b"", HALF):
            assert await ended(await send(port, content)) == b""
        told = await ended(await send(port, WHOLE + HALF))
    assert told.count(b"200 OK") == 1


async def test_a_head_without_end_is_not_kept() -> None:
    """No head is larger than 64 KiB, however it comes."""
    async with opened() as port:
        for content in (HALF + b"a" * 200_000, b"GET /" + b"a" * 200_000):
            assert b"200 OK" not in await ended(await send(port, content))
        body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"a" * 200_000
        connection = await send(port, body + WHOLE)  # A body is no head.
        async with asyncio.timeout(30):
            told = b""
            while told.count(b"200 OK") < 2:
                told += await connection[0].read(65_536)
        connection[1].close()


async def test_a_caller_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large response is not kept for good for a caller that has stopped."""
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.2)
    done = asyncio.Event()

    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await Response(b"a" * 50_000_000)(scope, receive, send)
            await receive()
        finally:
            done.set()

    async with opened(much) as port:
        _, writer = await send(port, WHOLE)
        async with asyncio.timeout(30):
            await done.wait()
        writer.close()


async def test_many_slow_connections_leave_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of them are closed. One that sends a whole request at once is served."""
    monkeypatch.setattr(server, "most_waiting", lambda: 20)
    async with opened() as port:
        held = [await send(port, HALF) for _ in range(100)]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(3):
                assert (await client.get("/")).text == "hello"
                held.append(await send(port, HALF))
        for connection in held[:80]:
            assert await ended(connection) == b""
        for _, writer in held[80:]:
            writer.close()


async def test_only_so_many_requests_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is told at once to come back, as a problem with `Retry-After`."""
    monkeypatch.setattr(edge, "MOST_UNDER_WAY", 2)
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        begun.release()
        await go_on.wait()
        await hello(scope, receive, send)

    async with (
        opened(slow) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as client,
    ):
        first = [asyncio.create_task(client.get("/")) for _ in range(2)]
        for _ in first:
            await begun.acquire()
        answer = await client.get("/")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["type"] == "urn:perennial:problem:not-available"
        go_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*first)] == [200, 200]
        assert (await client.get("/")).status_code == 200


def test_the_files_of_a_process_bound_its_connections() -> None:
    """A server keeps no more connections than it may open files."""
    import resource

    assert 100 <= connections.most_waiting() <= connections.MOST_WAITING
    assert connections.most_waiting() < resource.getrlimit(resource.RLIMIT_NOFILE)[0]
