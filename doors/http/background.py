"""Requests whose work goes on after their response: a caller looks at them by their key.

The process that got a request works on it, and tells the database how far it is. So every process
tells how it stands. What it did is kept as that of other requests (`once.py`). One whose process
ended is interrupted. Its caller sends it again with the same key. So only work that may run again,
and then does nothing twice, is done this way.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse, Response

from core.ledger import api_requests, audit, background_requests
from core.ledger.api_requests import Asked
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application.patience import NotAvailable, first_line
from doors.application.plain_data import data
from doors.http.callers import Caller
from doors.http.problems import Kind, later
from doors.http.routes import place_of
from doors.queries.snapshot import NotFound

POLL_SECONDS = 2
BEAT_SECONDS = 2.0
"""So often a process tells how far its requests are."""

log = structlog.get_logger()


class Progress(StrEnum):
    """How a request stands.

    RUNNING: a process works on it. DONE: `report` tells. REFUSED: what was sent is wrong as a
    whole, and `faults` say why. INTERRUPTED: its process ended or gave up. `next` says what to do.
    """

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a request did.

    `document`: what the caller is told, as plain data: a `report`, or `faults`.
    `about`: what the audit says of it. None: no record, because it changed nothing.
    """

    document: dict[str, Any]
    about: Mapping[str, Any] | None


@dataclass(slots=True)
class Running:
    """A request of this process. The task is None while its body is received.

    `tidy`: is called when it has ended, whatever becomes of it.
    """

    done: int = 0
    total: int = 0
    task: asyncio.Task[None] | None = None
    tidy: Callable[[], object] = lambda: None

    def count(self, done: int, total: int) -> None:
        """Note how far it is, in rows."""
        self.done, self.total = done, total


@dataclass(slots=True)
class Background:
    """`running`: the requests of a process that have not ended, by seller and idempotency key."""

    running: dict[tuple[str, str], Running] = field(default_factory=dict)

    @contextmanager
    def entered(self, caller: Caller, key: str, most: int) -> Iterator[Running]:
        """Count a request until it has ended, here or in the work that `start` lets go on.

        `most`: so many at once a process takes.

        Raises `Problem` 409 for one that is under way, 429 for too many.
        """
        if (caller.seller, key) in self.running:
            raise in_flight(key)
        if len(self.running) >= most:
            raise later(Kind.TOO_MANY, f"{most} of these requests at once are allowed", 30)
        running = self.running[caller.seller, key] = Running()
        try:
            yield running
        finally:
            if running.task is None:
                self._leave(caller, key)

    def _leave(self, caller: Caller, key: str) -> None:
        self.running.pop((caller.seller, key)).tidy()

    async def start(
        self,
        caller: Caller,
        asked: Asked,
        running: Running,
        work: Callable[[Mapping[str, Any]], Awaitable[Ended]],
        about: Mapping[str, Any],
        *,
        audited: bool,
    ) -> api_requests.Done | None:
        """Begin the work of a request that was entered, and let it go on.

        `work`: does it, as it was settled first. `about`: what is settled now. `audited`: whether
        the audit says so when it begins.

        Returns what it did when that was done before. Raises `Problem` 409 while another process
        works on it, and `Refused` 4.2 if its key was used for something else.
        """
        before = await caller.read(api_requests.find_done, asked)
        if before is not None:
            return before
        run = secrets.token_hex(16)

        def begin(ledger: Ledger) -> Mapping[str, Any] | None:
            now = machine_now()
            return background_requests.begin(ledger, asked, run, now, about, audited=audited)

        settled = await caller.read(begin)
        if settled is None:
            raise in_flight(asked.request_id)
        going = self._go_on(caller, asked, run, running, lambda: work(settled))
        running.task = asyncio.create_task(going)
        return None

    async def _go_on(
        self,
        caller: Caller,
        asked: Asked,
        run: str,
        running: Running,
        work: Callable[[], Awaitable[Ended]],
    ) -> None:
        key, ended = asked.request_id, False
        beat = asyncio.create_task(_tell(caller, key, run, running))
        try:
            found = await work()
            await caller.perennial.patience.in_thread(
                api_requests.once, caller.perennial.ledger, asked, _keep(caller, asked, found)
            )
            ended = True
        except (NotAvailable, OperationalError, OSError) as error:
            log.warning("request_interrupted", do=asked.do, request=key, error=first_line(error))
        except Exception:
            log.exception("request_error", do=asked.do, request=key)
        finally:
            beat.cancel()
            try:
                if not ended:
                    await caller.read(background_requests.stop, key, run)
            except Exception as error:  # Others see it as interrupted when it has been silent.
                log.warning("request_not_told", do=asked.do, request=key, error=first_line(error))
            finally:
                self._leave(caller, key)


def in_flight(key: str) -> Exception:
    """The problem of a request that is under way."""
    return later(Kind.IN_FLIGHT, f"the request with the key {key} is not finished yet")


def _keep(caller: Caller, asked: Asked, found: Ended) -> Callable[[Connection], dict[str, Any]]:
    """What keeps a request that is done, in one transaction. It is in the audit as it says."""
    ledger = caller.perennial.ledger

    def keep(connection: Connection) -> dict[str, Any]:
        background_requests.end(connection, ledger, asked.request_id)
        if found.about is not None:
            audit.add(
                connection,
                ledger.seller,
                asked.do,
                request_id=asked.request_id,
                after=found.about,
            )
        return found.document

    return keep


async def _tell(caller: Caller, key: str, run: str, running: Running) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        done, total = running.done, running.total
        try:
            await caller.read(background_requests.tell, key, run, done, total, machine_now())
        except Exception as error:  # It tells again at the next beat.
            log.warning("request_not_told", request=key, error=first_line(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """How a request stands: its progress, its rows, and what it did."""

    state: Progress
    rows_done: int | None = None
    rows: int | None = None
    document: Mapping[str, Any] = field(default_factory=dict)


def stands(ledger: Ledger, key: str, do: str) -> Stands:
    """How a request stands, by its key. `do`: what it is.

    Raises NotFound where there is none, or one of something else.
    """
    with ledger.read() as connection:
        # In this order: the one that ends between both is found done.
        line = background_requests.find(connection, ledger, key, machine_now())
        row = api_requests.find(connection, ledger.seller, key)
    if row is not None and row.do == do:
        return kept(row.document)
    if line is None or line.do != do:
        raise NotFound(f"no request with the key {key} has come in whole")
    state = Progress.INTERRUPTED if line.interrupted else Progress.RUNNING
    if not line.total:
        return Stands(state=state)
    return Stands(state=state, rows_done=line.done, rows=line.total)


def kept(document: Mapping[str, Any]) -> Stands:
    """How a request stands that is done. `document`: what was kept of it."""
    state = Progress.REFUSED if "faults" in document else Progress.DONE
    return Stands(state=state, document=document)


def accepted(resource: str, key: str, value: object) -> Response:
    """The response of a request whose work goes on, with the place to look at it."""
    place = place_of(resource, key)
    headers = {"Location": place, "Retry-After": str(POLL_SECONDS)}
    return JSONResponse({**data(value), "poll": place}, 202, headers=headers)


def replayed(value: object) -> Response:
    """The response of a request that was done before."""
    return JSONResponse(data(value), headers={"Idempotent-Replayed": "true"})
