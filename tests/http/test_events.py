"""Server-sent events: in order, resumable, and none is skipped when a transaction is late."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, text

from core.domain.events import Event
from core.ledger import api_keys
from core.ledger.clocks import machine_now
from doors.http import events
from doors.http.application import application
from doors.http.server import listen, serving
from doors.queries.event_stream import Complete, lines_between
from tests.http.conftest import Api, OpenApi

INSERT = text(
    "INSERT INTO history (at, account, event, rule, actor, facts) "
    "VALUES (now(), :account, :event, '4.1', 'test', '{}') RETURNING seq"
)


class Stream:
    """A stream of events, read one by one."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> tuple[int, str, dict[str, Any]]:
        """The next event: its id, its kind and its data. Fails after five minutes."""
        found: dict[str, str] = {}
        async with asyncio.timeout(300):
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(": ")
                    found[name] = value
                elif "data" in found:
                    return int(found["id"]), found["event"], json.loads(found["data"])
        raise EOFError

    async def rest(self) -> list[str]:
        """The lines until the stream ends. Fails after five minutes."""
        async with asyncio.timeout(300):
            return [line async for line in self._lines]


@asynccontextmanager
async def streaming(api: Api, address: str, after: int | None = 0, **query: Any) -> Any:
    """A stream of events of the shop. `after`: the last id that was seen."""
    headers = {"Authorization": f"Bearer {api.key()}"}
    if after is not None:
        headers["Last-Event-ID"] = str(after)
    query = {"test_clocks": "true", **query}
    async with (
        httpx.AsyncClient(base_url=address, timeout=300) as client,
        client.stream("GET", "/v1/events", headers=headers, params=query) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.aiter_lines())


@asynccontextmanager
async def served(open_api: OpenApi) -> AsyncIterator[tuple[Api, str]]:
    """The API on a free port of this machine, without workers."""
    async with open_api(workers=()) as api:
        app = application(api.shop.perennial)
        at = listen("api", "127.0.0.1", 0, 20)
        async with serving(app, at, app.state.streams.ending.set) as address:
            yield api, address


async def test_events_come_in_order_and_go_on_where_a_caller_was(open_api: OpenApi) -> None:
    """A caller that comes back with its last id gets what it has not seen, and nothing twice."""
    async with served(open_api) as (api, address):
        acme = api.shop.id("acme")
        s1 = await api.shop.buy("s1")
        async with streaming(api, address) as stream:
            last, event, told = await stream.next()
            assert (event, told["data"]["subscription"]) == (Event.PURCHASED, s1)
            s2 = await api.shop.buy("s2")
            live = await stream.next()
        assert live[0] > last
        async with streaming(api, address, after=last) as stream:
            again = await stream.next()
        assert again == live
        assert (live[2]["data"]["account"], live[2]["id"]) == (acme, f"event-{live[0]}")
        assert live[2]["data"]["subscription"] == s2 != s1
        await api.shop.account("other")
        await api.shop.buy("s3", account="other")
        async with streaming(api, address, account=api.shop.id("other")) as stream:
            _, _, first = await stream.next()
        assert first["data"]["account"] == api.shop.id("other")


async def test_no_event_is_skipped_when_an_earlier_one_is_committed_later(
    open_api: OpenApi,
) -> None:
    """Line 10 is written, line 11 is committed, and only then line 10: both come, in order."""
    async with served(open_api) as (api, address):
        acme = api.shop.id("acme")
        values = {"account": acme, "event": str(Event.PURCHASED)}
        engine = api.shop.perennial.ledger.engine
        with engine.begin() as connection:
            start = connection.execute(INSERT, values).scalar_one()
        async with streaming(api, address, after=start) as stream:
            with engine.connect() as late:
                late.execute(
                    text("SELECT id FROM accounts WHERE id = :id FOR UPDATE"), {"id": acme}
                )
                first = late.execute(INSERT, values).scalar_one()
                with engine.begin() as early:
                    early.execute(text("SELECT pg_current_xact_id()"))
                    second = early.execute(INSERT, values).scalar_one()
                assert first < second
                waiting = asyncio.create_task(stream.next())
                done, _ = await asyncio.wait([waiting], timeout=4 * events.LOOK_SECONDS)
                assert not done
                late.commit()
            assert (await waiting)[0] == first
            assert (await stream.next())[0] == second


async def test_a_caller_that_is_ahead_of_the_history_is_told(reading: Api) -> None:
    """Else it would wait without a word, and miss what comes up to its number."""
    await reading.shop.buy()
    headers = {"Last-Event-ID": str(10**17)}
    answer = await reading.send("GET", "/v1/events", headers=headers)
    assert (answer.status_code, answer.json()["place"]) == (400, "Last-Event-ID")
    assert "allowed are 0 to " in answer.json()["allowed"]


async def test_a_stream_ends_with_the_server_and_with_its_key(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.0)
    async with open_api(workers=()) as api:
        app = application(api.shop.perennial)
        at = listen("api", "127.0.0.1", 0, 20)
        async with serving(app, at, app.state.streams.ending.set) as address:
            async with streaming(api, address, after=None) as stream:
                key = api_keys.id_of(api.key())
                with api.shop.perennial.ledger.engine.begin() as connection:
                    api_keys.revoke(connection, "main", key, machine_now())
                assert await stream.rest()
            api.keys.clear()
            monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 60.0)
            opened = streaming(api, address, after=None)
            stream = await opened.__aenter__()
        assert await stream.rest() == ["retry: 2000", ""]
        await opened.__aexit__(None, None, None)


async def test_so_many_streams_are_served(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_OF_A_SELLER", 1)
    async with served(open_api) as (api, address):
        async with streaming(api, address):
            headers = {"Authorization": f"Bearer {api.key()}"}
            async with httpx.AsyncClient(base_url=address) as client:
                answer = await client.get("/v1/events", headers=headers)
            assert answer.status_code == 429
            assert answer.headers["retry-after"]
        foreign = await api.get("/v1/events", seller="other", account=api.shop.id("acme"))
        assert foreign.status_code == 404
        for wrong in ("x", "-1", "9" * 30):
            answer = await api.client.get("/v1/events", headers=headers | {"Last-Event-ID": wrong})
            assert answer.status_code == 400


class Writers:
    """Transactions that number a line and end, one step at a time, in an order by chance."""

    def __init__(self, engine: Engine, account: str, chance: random.Random, lines: int) -> None:
        self._engine, self._account, self._chance = engine, account, chance
        self._left, self._open = lines, list[Iterator[None]]()
        self.committed = list[int]()

    @property
    def done(self) -> bool:
        """Whether all lines are written."""
        return not self._left and not self._open

    def step(self) -> None:
        """Begin a transaction, or let one of those that are open go on."""
        if self._left and (len(self._open) < 3 or self._chance.random() < 0.2):
            self._left -= 1
            self._open.append(self._line())
        if self._open:
            line = self._chance.choice(self._open)
            if next(line, self) is self:
                self._open.remove(line)

    def _line(self) -> Iterator[None]:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT pg_current_xact_id()"))
            yield
            values = {"account": self._account, "event": str(Event.PURCHASED)}
            seq = connection.execute(INSERT, values).scalar_one()
            yield
            if self._chance.random() < 0.2:
                return
            connection.commit()
            self.committed.append(seq)


class Between:
    """A connection. Before each of its statements the writers take some steps."""

    def __init__(self, connection: Connection, writers: Writers, chance: random.Random) -> None:
        self._connection, self._writers, self._chance = connection, writers, chance

    def execute(self, statement: Any) -> Any:
        """Let the writers go on, then execute a statement."""
        for _ in range(self._chance.randrange(4)):
            self._writers.step()
        return self._connection.execute(statement)


@pytest.mark.parametrize("seed", range(6))
async def test_no_line_is_lost_among_writers_that_commit_in_any_order(
    reading: Api, seed: int
) -> None:
    """Lines are numbered, committed and rolled back between any two looks of a reader."""
    ledger, chance = reading.shop.perennial.ledger, random.Random(seed)
    writers = Writers(ledger.engine, reading.shop.id("acme"), chance, lines=60)
    complete, seen, after = Complete(), list[int](), 0
    while not writers.done or after < max(writers.committed):
        with ledger.read() as connection:
            look = Between(connection, writers, chance)
            up_to = complete.look(look)  # type: ignore[arg-type]
        if up_to is not None and up_to > after:
            lines, after = lines_between(ledger, after, up_to, test_clocks=True)
            seen += [line.seq for line in lines]
    assert seen == sorted(writers.committed)
    assert len(seen) > 30
