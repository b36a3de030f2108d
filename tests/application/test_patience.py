"""Calls are repeated while a server is away, with growing gaps, up to the limit of the caller."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import exc
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from core.domain.commands.top_up import TopUp
from core.domain.money import parse_amount
from doors.application.patience import (
    LONGEST_GAP,
    SHORTEST_GAP,
    NotAvailable,
    OutcomeUnknown,
    Patience,
    outcome_of,
    without_patience,
)
from doors.application.perennial import Perennial
from settings import Settings


@dataclass
class Clock:
    """A clock that only pauses move."""

    now: float = 0.0
    gaps: list[float] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        self.gaps.append(seconds)
        self.now += seconds

    def patience(self, seconds: float, chance: float = 0.0) -> Patience:
        return Patience(seconds, lambda: self.now, self.pause, lambda: chance)


@dataclass
class Server:
    """Fails with an error a number of times."""

    error: Exception
    times: int = 1_000_000
    calls: int = 0

    async def call(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


def rpc(status: RPCStatusCode) -> RPCError:
    return RPCError(f"it is {status.name}", status, b"")


def database(message: str) -> exc.OperationalError:
    return exc.OperationalError("SELECT 1", {}, Exception(message))


def ended(type_: str) -> WorkflowUpdateFailedError:
    return WorkflowUpdateFailedError(ApplicationError("the run has ended", type=type_))


AWAY = [
    *map(
        rpc,
        (
            RPCStatusCode.UNAVAILABLE,
            RPCStatusCode.DEADLINE_EXCEEDED,
            RPCStatusCode.CANCELLED,
            RPCStatusCode.RESOURCE_EXHAUSTED,
            RPCStatusCode.FAILED_PRECONDITION,
            RPCStatusCode.INTERNAL,
            RPCStatusCode.UNKNOWN,
        ),
    ),
    WorkflowUpdateRPCTimeoutOrCancelledError(),
    ended("AcceptedUpdateCompletedWorkflow"),
    database("server closed the connection unexpectedly"),
    database("FATAL:  the database system is starting up"),
    exc.InterfaceError("SELECT 1", {}, Exception("the connection is closed")),
    exc.DBAPIError("SELECT 1", {}, Exception("lost"), connection_invalidated=True),
    exc.TimeoutError("QueuePool limit"),
    ConnectionRefusedError("refused"),
    TimeoutError("slow"),
]
WRONG = [
    rpc(RPCStatusCode.NOT_FOUND),
    rpc(RPCStatusCode.INVALID_ARGUMENT),
    rpc(RPCStatusCode.PERMISSION_DENIED),
    ended("Refused"),
    database('FATAL:  password authentication failed for user "me"'),
    database('FATAL:  database "nodb" does not exist'),
    exc.IntegrityError("INSERT", {}, Exception("duplicate key")),
    ValueError("wrong"),
]


def named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".splitlines()[0]


@pytest.mark.parametrize("error", AWAY, ids=named)
async def test_a_call_to_a_server_that_is_away_is_repeated(error: Exception) -> None:
    server, clock = Server(error, times=3), Clock()
    assert await clock.patience(60).call(server.call) == "done"
    assert server.calls == 4


@pytest.mark.parametrize("error", WRONG, ids=named)
async def test_what_is_wrong_is_told_at_once(error: Exception) -> None:
    server, clock = Server(error), Clock()
    with pytest.raises(type(error)):
        await clock.patience(60).call(server.call)
    assert (server.calls, clock.gaps) == (1, [])


async def test_gaps_grow_up_to_a_bound() -> None:
    clock = Clock()
    with pytest.raises(NotAvailable):
        await clock.patience(30).call(Server(rpc(RPCStatusCode.UNAVAILABLE)).call)
    assert clock.gaps[:7] == [SHORTEST_GAP * 2**n for n in range(6)] + [LONGEST_GAP]
    assert max(clock.gaps) == LONGEST_GAP
    assert 30 - LONGEST_GAP <= clock.now <= 30


async def test_chance_cuts_a_gap_by_at_most_a_half() -> None:
    clock = Clock()
    with pytest.raises(NotAvailable):
        await clock.patience(30, chance=1.0).call(Server(rpc(RPCStatusCode.UNAVAILABLE)).call)
    assert (clock.gaps[0], max(clock.gaps)) == (SHORTEST_GAP / 2, LONGEST_GAP / 2)


async def test_the_limit_ends_in_one_error_with_the_last_reason() -> None:
    with pytest.raises(NotAvailable, match="not available: it is UNAVAILABLE") as raised:
        await Clock().patience(1).call(Server(rpc(RPCStatusCode.UNAVAILABLE)).call)
    assert raised.value.reason == "it is UNAVAILABLE"


async def test_a_call_that_does_not_return_ends_at_the_limit() -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NotAvailable, match="no response within 0 seconds"):
        await Patience(0).call(hangs)


async def test_a_cancelled_update_is_not_taken_for_a_server_that_is_away() -> None:
    """Temporal's client raises an error of its own when the task of an update is cancelled."""
    begun = asyncio.Event()

    async def update() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise WorkflowUpdateRPCTimeoutOrCancelledError from None

    task = asyncio.create_task(Patience(60).call(update))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_several_calls_share_one_limit() -> None:
    clock, server = Clock(), Server(rpc(RPCStatusCode.UNAVAILABLE), times=5)
    patience = clock.patience(3)

    async def command() -> None:
        with patience.one_limit():
            await patience.call(server.call)
            server.calls, server.times = 0, 1_000_000
            await patience.call(server.call)

    with pytest.raises(NotAvailable):
        await command()
    assert clock.now <= 3


async def test_without_patience_a_call_is_made_once() -> None:
    server = Server(rpc(RPCStatusCode.UNAVAILABLE))
    with without_patience(), pytest.raises(NotAvailable):
        await Clock().patience(60).call(server.call)
    assert server.calls == 1


def test_an_unknown_outcome_names_the_request_id() -> None:
    with pytest.raises(OutcomeUnknown) as raised, outcome_of("outer"), outcome_of("order-7731"):
        raise NotAvailable("it is away")
    assert str(raised.value) == (
        "outcome unknown, repeat with the same request id order-7731: it is away"
    )
    assert raised.value.request_id == "order-7731"


class Temporal:
    """A Temporal server that is away for a number of updates. It notes their ids."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.ids: list[str] = []

    def get_workflow_handle(self, _: str) -> Any:
        return self

    async def execute_update(self, *_: Any, id: str, **__: Any) -> str:  # noqa: A002
        self.ids.append(id)
        if len(self.ids) <= self.away:
            raise rpc(RPCStatusCode.UNAVAILABLE)
        return "done"

    execute_update_with_start_workflow = execute_update

    id = "subscription/s1"


@pytest.fixture
def perennial(monkeypatch: pytest.MonkeyPatch) -> Callable[[Temporal], Perennial]:
    """A client of a Temporal server, with a ledger that is never asked."""

    def made(temporal: Temporal) -> Perennial:
        client: Any = Perennial.__new__(Perennial)
        client.temporal, client.patience = temporal, Clock().patience(60)
        client._turns, client._config = {}, Settings()
        client._task_timeout = None

        async def sql(function: Any, *_: Any) -> object:
            return (object(), {}) if function.__name__ == "_account_input" else None

        monkeypatch.setattr(client, "_sql", sql)
        return client

    return made


@pytest.mark.parametrize("update", ["_update", "_update_account"])
async def test_all_repetitions_of_an_update_have_one_id(
    update: str,
    perennial: Callable[[Temporal], Perennial],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporal = Temporal(away=5)
    call: Callable[..., Awaitable[Any]] = getattr(perennial(temporal), update)
    assert await call("s1", "tick", None, str) == "done"
    assert await call("s1", "tick", None, str) == "done"
    *repeated, other = temporal.ids
    assert (len(repeated), len(set(repeated))) == (6, 1)
    assert other != repeated[0]


async def test_a_command_ends_with_its_request_id_when_the_database_is_away() -> None:
    """Nothing listens on port 1. Temporal is not reached."""
    from core.ledger.database import connect
    from core.ledger.ledger import Ledger

    ledger = Ledger(connect("postgresql+psycopg://me:hunter2@127.0.0.1:1/perennial"))
    temporal: Any = None
    client = Perennial(ledger, temporal, Settings(), Clock().patience(2))
    amount = parse_amount("5.00")
    with pytest.raises(OutcomeUnknown, match=r"order-7731: .*refused") as raised:
        await client.do(TopUp(account="acme", amount=amount, request_id="order-7731"))
    assert raised.value.request_id == "order-7731"
    with pytest.raises(OutcomeUnknown, match="client/"):
        await client.do(TopUp(account="acme", amount=amount))
    with pytest.raises(NotAvailable, match=r"not available: .*refused"):
        await client.state("s1")


async def test_an_update_that_is_cut_off_is_no_error_of_the_log(
    perennial: Callable[[Temporal], Perennial],
) -> None:
    """A caller has got 202. asyncio would log the error that Temporal's client keeps."""

    class CutOff(Temporal):
        async def execute_update_with_start_workflow(
            self, *_: Any, start_workflow_operation: Any, **__: Any
        ) -> str:
            error = asyncio.CancelledError()
            start_workflow_operation._workflow_handle.set_exception(error)
            raise error

    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    with pytest.raises(asyncio.CancelledError):
        await perennial(CutOff(away=0))._update_account("acme", "tick", None, str)
    await asyncio.sleep(0)
    gc.collect()
    assert told == []
