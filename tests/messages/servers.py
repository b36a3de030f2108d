"""A platform that gets webhooks: a real HTTP server on this machine, which can misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Reply = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


@dataclass
class Got:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The message."""
        return dict(json.loads(self.content))


@dataclass
class Platform:
    """What came in, and how it replies. `reply` gets the writer and the number of the request."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    reply: Reply | None = None
    open_now: int = 0
    most_open: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, count: int) -> None:
        """Wait until this number of requests has come in."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.got) >= count)

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        return f"http://127.0.0.1:{self.port}/in?of=perennial"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, keep it, and reply."""
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            content = await reader.readexactly(int(headers["Content-Length"]))
            self.got.append(Got(first.split(" ")[1], headers, content))
            async with self.arrived:
                self.arrived.notify_all()
            await (self.reply or ok)(writer, len(self.got))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_now -= 1
            writer.close()


async def ok(writer: asyncio.StreamWriter, _number: int = 1) -> None:
    """It takes the message."""
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def status(code: int, *lines: str) -> Reply:
    """It replies with a status."""

    async def reply(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write("\r\n".join([f"HTTP/1.1 {code} Such", *lines, "", ""]).encode())

    return reply


def raw(content: bytes) -> Reply:
    """It replies with these bytes and closes."""

    async def reply(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(content)

    return reply


async def hang(_writer: asyncio.StreamWriter, _number: int) -> None:
    """It never replies."""
    await asyncio.Event().wait()


@asynccontextmanager
async def platform(port: int = 0, reply: Reply | None = None) -> AsyncIterator[Platform]:
    """A platform that listens on this machine. Port 0 is a free one."""
    made = Platform(reply=reply)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
