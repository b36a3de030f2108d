"""The client for programs that do other things meanwhile (asyncio)."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from perennial_client import clocks
from perennial_client.command import Command
from perennial_client.connection import TIMEOUT, Connection
from perennial_client.conversation import (
    Conversation,
    Done,
    Pause,
    Send,
    ask,
    carry_out,
    change,
    post,
    read,
)
from perennial_client.events import PATH, Event, Stream
from perennial_client.events import TIMEOUT as QUIET
from perennial_client.files import AsyncFiles
from perennial_client.pages import AsyncRows, Page
from perennial_client.plain import NO_PARAMETERS, build, fields_of, query
from perennial_client.reads import AsyncReads
from perennial_client.retries import Retries
from perennial_client.saved_files import CHUNK, Saved, Saving, To
from perennial_client.views import AdvancedClock, Preview
from perennial_client.writes import AsyncWrites

R = TypeVar("R")
T = TypeVar("T")


class AsyncPerennial(AsyncReads, AsyncWrites, AsyncFiles):
    """The same as `Perennial`, with `await`. Several tasks may share it."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout: float = TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        connection = Connection(
            address=address, key=key, timeout=timeout, retries=retries or Retries()
        )
        self._retries = connection.retries
        self._http = httpx.AsyncClient(**connection.options(), transport=transport)

    async def __aenter__(self) -> Self:
        """The client itself. Leaving the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def do(self, command: Command[R], *, idempotency_key: str | None = None) -> Done[R]:
        """See `Perennial.do`."""
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        return await self._run(carry_out(command.do, command, command.returns, key, self._retries))

    async def preview(self, command: Command[R]) -> Preview[R]:
        """See `Perennial.preview`."""
        request = post(f"/v1/previews/{command.do}", fields_of(command), str(uuid.uuid4()))
        of: Any = Preview
        preview: Preview[R] = await self._asked(of[command.returns], request)
        return preview

    async def advance(self, clock: str, to: datetime) -> AdvancedClock:
        """See `Perennial.advance`."""
        return await self._run(clocks.advance(clock, to, self._retries))

    async def events(
        self, *, account: str | None = None, test_clocks: bool = False, after: int | None = None
    ) -> AsyncGenerator[Event, None]:
        """See `Perennial.events`."""
        stream = Stream(account, test_clocks, after, self._retries)
        while True:
            told: httpx.Response | httpx.RequestError | None = None
            try:
                async with self._http.stream(
                    "GET", PATH, params=stream.query, headers=stream.headers(), timeout=QUIET
                ) as response:
                    if response.status_code == httpx.codes.OK:
                        async for line in response.aiter_lines():
                            for event in stream.feed(line):
                                yield event
                    else:
                        await response.aread()
                        told = response
            except httpx.RequestError as error:
                told = error
            await asyncio.sleep(stream.pause(told))

    async def _read(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> T:
        found: T = await self._asked(kind, Send(method="GET", path=path, query=query(parameters)))
        return found

    async def _save(
        self, path: str, parameters: Mapping[str, object], to: To, most_bytes: int
    ) -> Saved:
        request = Send(method="GET", path=path, query=query(parameters), headers={"Accept": "*/*"})
        saving = Saving(to, most_bytes)
        try:
            response = await self._run(ask(request, self._retries), saving)
            return await asyncio.to_thread(saving.keep, response)
        finally:
            saving.close()

    async def _write(
        self,
        kind: type[T],
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> T:
        found: T = await self._asked(kind, change(method, path, body, idempotency_key, if_match))
        return found

    def _rows(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> AsyncRows[T]:
        async def page(after: str | None) -> Page[T]:
            asked = parameters if after is None else {**parameters, "after": after}
            return await self._read(Page[kind], path, asked)  # type: ignore[valid-type]

        return AsyncRows(page)

    async def _asked(self, kind: Any, request: Send) -> Any:
        return build(kind, read(await self._run(ask(request, self._retries))))

    async def _run(self, conversation: Conversation[R], saving: Saving | None = None) -> R:
        told: httpx.Response | httpx.RequestError | None = None
        while True:
            try:
                step = conversation.send(told)
            except StopIteration as end:
                result: R = end.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                told = None
            else:
                told = await self._send(step, saving)

    async def _send(
        self, request: Send, saving: Saving | None
    ) -> httpx.Response | httpx.RequestError:
        try:
            async with self._http.stream(
                request.method,
                request.path,
                params=request.query,
                headers=request.headers,
                content=request.content,
            ) as response:
                if saving is None or response.status_code != httpx.codes.OK:
                    await response.aread()
                    return response
                saving.begin()
                async for part in response.aiter_bytes(CHUNK):
                    await asyncio.to_thread(saving.add, part)
                return response
        except httpx.RequestError as error:
            return error
