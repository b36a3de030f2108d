"""Requests of the HTTP API that go on after their response: which they are, and how far.

A process begins one, and tells how far it is. So any process can show it. When its work is done,
its row goes, and a row of `api_requests` takes its place in the same transaction. One that has not
been told of for a while was interrupted. The same request with the same key begins it again.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core.domain.refusal import used_for_something_else
from core.ledger import api_requests, audit, sellers
from core.ledger.api_requests import Asked
from core.ledger.audit import Outcome
from core.ledger.ledger import Ledger
from core.ledger.tables import BackgroundRequest

SILENT = timedelta(seconds=60)
"""A process that has not told of a request for so long was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A request whose work is not done.

    `done`, `total`: how many rows of how many are done. 0 of 0 before they are counted.
    `interrupted`: no process works on it.
    """

    do: str
    done: int
    total: int
    interrupted: bool


def begin(
    ledger: Ledger,
    asked: Asked,
    run: str,
    now: datetime,
    about: Mapping[str, Any] | None = None,
    *,
    audited: bool = False,
) -> Mapping[str, Any] | None:
    """Begin a request, or begin one again that was interrupted. `now`: the machine's instant (UTC).

    `run`: a random word of this beginning. With the same word it begins once.
    `about`: what is settled now, as plain data. One that begins again keeps what was settled first.
    `audited`: whether the audit has a record of it, which says what was settled.

    Returns what was settled first. None while it is under way.
    Raises `Refused` 4.2 if the key was used for something else.
    """
    settled: Mapping[str, Any] = about or {}
    with ledger.transaction("background_request") as connection:
        sellers.ensure(connection, ledger.seller)
        new = (
            insert(BackgroundRequest)
            .values(
                seller=ledger.seller,
                request_id=asked.request_id,
                do=asked.do,
                fingerprint=asked.fingerprint(secrets.token_hex(16)),
                actor=asked.actor,
                asked_at=now,
                told_at=now,
                run=run,
                about=settled,
            )
            .on_conflict_do_nothing()
            .returning(BackgroundRequest.request_id)
        )
        if connection.execute(new).first() is None:
            query = select(BackgroundRequest.__table__).where(*_one(ledger, asked.request_id))
            row = connection.execute(query.with_for_update()).one_or_none()
            if row is None:  # It has just ended.
                return None
            if not asked.is_that_of(row.fingerprint):
                raise used_for_something_else(asked.request_id)
            settled = row.about
            if row.run == run:  # It has begun, and the answer was lost.
                return settled
            if not _interrupted(row, now):
                return None
            again = update(BackgroundRequest).where(*_one(ledger, asked.request_id))
            values = {"told_at": now, "run": run, "done": 0, "total": 0, "stopped": False}
            connection.execute(again.values(values))
        elif api_requests.find(connection, ledger.seller, asked.request_id) is not None:
            end(connection, ledger, asked.request_id)  # It has just been done elsewhere.
            return None
        if audited:
            audit.add(
                connection,
                ledger.seller,
                asked.do,
                request_id=asked.request_id,
                outcome=Outcome.ASKED,
                after=settled,
            )
        return settled


def tell(ledger: Ledger, request_id: str, run: str, done: int, total: int, now: datetime) -> None:
    """Tell how far a request is. Nothing is told of one that was begun again elsewhere."""
    _update(ledger, request_id, run, told_at=now, done=done, total=total)


def stop(ledger: Ledger, request_id: str, run: str) -> None:
    """Tell that a request is not done, and that no process works on it, as `tell` does."""
    _update(ledger, request_id, run, stopped=True)


def _update(ledger: Ledger, request_id: str, run: str, **values: Any) -> None:
    mine = (*_one(ledger, request_id), BackgroundRequest.run == run)
    with ledger.transaction("background_request") as connection:
        connection.execute(update(BackgroundRequest).where(*mine).values(**values))


def end(connection: Connection, ledger: Ledger, request_id: str) -> None:
    """A request is done. The transaction writes what it did (`core.ledger.api_requests`)."""
    connection.execute(delete(BackgroundRequest).where(*_one(ledger, request_id)))


def find(
    connection: Connection, ledger: Ledger, request_id: str, now: datetime
) -> RequestLine | None:
    """A request whose work is not done, at an instant (UTC). None: there is none with this key."""
    query = select(BackgroundRequest.__table__).where(*_one(ledger, request_id))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return RequestLine(
        do=row.do, done=row.done, total=row.total, interrupted=_interrupted(row, now)
    )


def _interrupted(row: Any, now: datetime) -> bool:
    return bool(row.stopped or row.told_at < now - SILENT)


def _one(ledger: Ledger, request_id: str) -> tuple[Any, Any]:
    return (
        BackgroundRequest.seller == ledger.seller,
        BackgroundRequest.request_id == request_id,
    )
