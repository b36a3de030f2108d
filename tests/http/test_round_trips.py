"""What a request of the API costs the database: statements, round trips, and hops to threads.

A round trip is a statement, or a BEGIN, COMMIT or ROLLBACK of a transaction. A hop is a call that
leaves the event loop. The numbers are counts, so a busy machine does not change them.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from core.domain.commands.purchase import Purchase
from tests.http.conftest import Api


@dataclass
class Counted:
    """What was counted in a block."""

    hops: int = 0
    statements: int = 0
    round_trips: int = 0

    def __str__(self) -> str:
        return f"{self.hops} hops, {self.statements} statements, {self.round_trips} round trips"


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Returns a block that counts what all engines of this process do within it."""
    to_thread = asyncio.to_thread

    @contextmanager
    def block() -> Iterator[Counted]:
        found = Counted()

        async def hop(*args: Any, **kwargs: Any) -> Any:
            found.hops += 1
            return await to_thread(*args, **kwargs)

        def statement(*_: Any) -> None:
            found.statements += 1
            found.round_trips += 1

        def boundary(connection: Connection) -> None:
            if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
                found.round_trips += 1

        names = ("begin", "commit", "rollback")
        event.listen(Engine, "before_cursor_execute", statement)
        for name in names:
            event.listen(Engine, name, boundary)
        monkeypatch.setattr(asyncio, "to_thread", hop)
        try:
            yield found
        finally:
            monkeypatch.setattr(asyncio, "to_thread", to_thread)
            event.remove(Engine, "before_cursor_execute", statement)
            for name in names:
                event.remove(Engine, name, boundary)

    return block


async def of_globex(api: Api) -> dict[str, str]:
    """A purchase of an account that lives by the machine's clock, without its id."""
    account = {"account": "globex", "currency": "USD", "timezone": "UTC", "credits": "500.00"}
    person = {"owner": "ada@g.example", "billing_email": "ada@g.example"}
    opened = await api.post("/v1/accounts", account | person)
    assert opened.is_success, opened.text
    return {"account": "globex", "sku": "PRO"}


async def test_what_commands_cost(reading: Api, count: Callable[[], Any]) -> None:
    """The second of each is counted. The first has made what a process remembers."""
    order, perennial = await of_globex(reading), reading.shop.perennial
    in_process = Purchase(subscription="in-1", request_id="in-1", account="globex", sku="PRO")
    card = {"account": "globex", "card": "sim_ok"}
    found = {}
    for again in ("1", "2"):
        with count() as found["purchase"]:
            await reading.done("purchase", {"subscription": f"by-{again}", **order})
        with count() as found["set_card"]:
            await reading.done("set_card", card)
        command = replace(in_process, subscription=f"in-{again}", request_id=f"in-{again}")
        with count() as found["in the process"]:
            assert (await perennial.do(command)).refusal is None
    assert {name: str(counted) for name, counted in found.items()} == {
        "purchase": "9 hops, 22 statements, 30 round trips",
        "set_card": "7 hops, 17 statements, 23 round trips",
        "in the process": "6 hops, 13 statements, 17 round trips",
    }


@pytest.mark.parametrize(
    "path", ["/v1/subscriptions/s1", "/v1/accounts/globex", "/v1/subscriptions/none"]
)
async def test_a_read_by_id_costs_two_round_trips(
    reading: Api, count: Callable[[], Any], path: str
) -> None:
    """One reads the key, and one reads what is asked for."""
    order = await of_globex(reading)
    for id_ in ("s1", "s2"):
        await reading.done("purchase", {"subscription": id_, **order})
    for _ in range(2):
        with count() as found:
            answer = await reading.get(path)
    assert answer.status_code == (404 if path.endswith("none") else 200)
    assert [period["paid"] for period in answer.json().get("periods", [])] == (
        ["50.00"] if path.endswith("s1") else []
    )
    assert str(found) == "2 hops, 2 statements, 2 round trips"
