"""The client for programs that wait for each response."""

import time
import uuid
from collections.abc import Iterator, Mapping
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
from perennial_client.files import Files
from perennial_client.pages import Page, Rows
from perennial_client.plain import NO_PARAMETERS, build, fields_of, query
from perennial_client.reads import Reads
from perennial_client.retries import Retries
from perennial_client.saved_files import CHUNK, Saved, Saving, To
from perennial_client.views import AdvancedClock, Preview
from perennial_client.writes import Writes

R = TypeVar("R")
T = TypeVar("T")


class Perennial(Reads, Writes, Files):
    """A connection to the HTTP API. Several threads may share it.

    `address`, `key`: where the API is, and a key of it.
    `timeout`: seconds that one response may take.
    `retries`: how often and for how long a request is sent again.
    `transport`: how httpx sends. Default: by the network.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout: float = TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        connection = Connection(
            address=address, key=key, timeout=timeout, retries=retries or Retries()
        )
        self._retries = connection.retries
        self._http = httpx.Client(**connection.options(), transport=transport)

    def __enter__(self) -> Self:
        """The client itself. Leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def do(self, command: Command[R], *, idempotency_key: str | None = None) -> Done[R]:
        """Carry out a command. Sent again with the same key it does not run twice.

        `idempotency_key`: 1 to 200 ASCII characters, unique in the seller. Default: a new one.
        Choose it yourself, and keep it, where the program may crash in between.
        Raises `Refused` when a rule refuses it, and `OutcomeUnknown` when no outcome has come.
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        return self._run(carry_out(command.do, command, command.returns, key, self._retries))

    def preview(self, command: Command[R]) -> Preview[R]:
        """What a command would do now. Nothing is done. A refusal is a part of the preview."""
        request = post(f"/v1/previews/{command.do}", fields_of(command), str(uuid.uuid4()))
        of: Any = Preview
        preview: Preview[R] = self._asked(of[command.returns], request)
        return preview

    def advance(self, clock: str, to: datetime) -> AdvancedClock:
        """Let time pass on a test clock, until it is there. What is due runs in order (Rule 1.7).

        `to`: where it stops, with a time zone. A clock never goes back. It may take minutes, and
        may be interrupted and called again. `advance_clock` is one request of it.
        """
        return self._run(clocks.advance(clock, to, self._retries))

    def events(
        self, *, account: str | None = None, test_clocks: bool = False, after: int | None = None
    ) -> Iterator[Event]:
        """What happens, without an end. A stream that breaks is opened again, and misses nothing.

        `account`: only of this account. `test_clocks`: also of accounts on test clocks.
        `after`: the number of the last event that was seen. 0: from the beginning. None: from now
        on. Then what is committed while the first connection is broken may be missed.
        """
        stream = Stream(account, test_clocks, after, self._retries)
        while True:
            told: httpx.Response | httpx.RequestError | None = None
            try:
                with self._http.stream(
                    "GET", PATH, params=stream.query, headers=stream.headers(), timeout=QUIET
                ) as response:
                    if response.status_code == httpx.codes.OK:
                        for line in response.iter_lines():
                            yield from stream.feed(line)
                    else:
                        response.read()
                        told = response
            except httpx.RequestError as error:
                told = error
            time.sleep(stream.pause(told))

    def _read(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> T:
        found: T = self._asked(kind, Send(method="GET", path=path, query=query(parameters)))
        return found

    def _save(self, path: str, parameters: Mapping[str, object], to: To, most_bytes: int) -> Saved:
        request = Send(method="GET", path=path, query=query(parameters), headers={"Accept": "*/*"})
        saving = Saving(to, most_bytes)
        try:
            response = self._run(ask(request, self._retries), saving)
            return saving.keep(response)
        finally:
            saving.close()

    def _write(
        self,
        kind: type[T],
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> T:
        found: T = self._asked(kind, change(method, path, body, idempotency_key, if_match))
        return found

    def _rows(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> Rows[T]:
        def page(after: str | None) -> Page[T]:
            asked = parameters if after is None else {**parameters, "after": after}
            return self._read(Page[kind], path, asked)  # type: ignore[valid-type]

        return Rows(page)

    def _asked(self, kind: Any, request: Send) -> Any:
        return build(kind, read(self._run(ask(request, self._retries))))

    def _run(self, conversation: Conversation[R], saving: Saving | None = None) -> R:
        told: httpx.Response | httpx.RequestError | None = None
        while True:
            try:
                step = conversation.send(told)
            except StopIteration as end:
                result: R = end.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                told = None
            else:
                told = self._send(step, saving)

    def _send(self, request: Send, saving: Saving | None) -> httpx.Response | httpx.RequestError:
        try:
            with self._http.stream(
                request.method,
                request.path,
                params=request.query,
                headers=request.headers,
                content=request.content,
            ) as response:
                if saving is None or response.status_code != httpx.codes.OK:
                    response.read()
                    return response
                saving.begin()
                for part in response.iter_bytes(CHUNK):
                    saving.add(part)
                return response
        except httpx.RequestError as error:
            return error
