"""Requests that change something and are no commands: each runs once with its idempotency key."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from core.domain.acts import Act
from core.domain.refusal import Refusal
from core.domain.rules import Rule
from core.ledger import api_requests, audit
from core.ledger.api_requests import Asked, Done
from core.ledger.ledger import Ledger
from doors.http.callers import Caller
from doors.http.problems import refused
from doors.http.routes import Answer


async def once(
    caller: Caller,
    key: str,
    do: Act,
    values: Mapping[str, Any],
    act: Callable[[Ledger, Connection], dict[str, Any]],
    *,
    taken: str = "",
    recorded: bool = False,
    about: str | None = None,
) -> Done:
    """Carry a request out in one transaction, unless it was carried out before with this key.

    `do`, `values`: what is asked. Another request with the same key is refused.
    `act`: does it, and returns what is kept of it as plain data, without secrets.
    `taken`: what a caller is told when `act` finds that an id is taken.
    `recorded`: whether `act` records it in the audit. Default: it is recorded here.
    `about`: its subject in the audit, where its values do not name it.
    """
    ledger = caller.perennial.ledger
    asked = Asked(
        request_id=key,
        do=do,
        values=values,
        actor=caller.actor,
        recorded=recorded,
        about=about,
    )

    def run() -> Done:
        return api_requests.once(ledger, asked, lambda connection: act(ledger, connection))

    with caller.in_flight.only(ledger.seller, key):
        try:
            return await caller.perennial.patience.in_thread(run)
        except IntegrityError:
            if not taken:
                raise
            raise refused(Refusal(Rule.PURCHASE, taken)) from None


async def in_transaction(
    caller: Caller,
    name: str,
    act: Callable[[Ledger, Connection], dict[str, Any]],
    *,
    record: Act | None,
    about: str | None = None,
) -> dict[str, Any]:
    """Carry out a change in one transaction. It may run twice, so it finds what it has done.

    `name`: of the transaction. `record`: what it is in the audit. None: `act` records it itself.
    `about`: its subject in the audit.
    """
    ledger = caller.perennial.ledger

    def run() -> dict[str, Any]:
        with ledger.transaction(name) as connection:
            document = act(ledger, connection)
            if record is not None:
                audit.add(connection, ledger.seller, record, subject=about)
            return document

    return await caller.perennial.patience.in_thread(run)


def kept(kind: type, done: Done) -> dict[str, Any]:
    """What is kept of a request, with its fields in their order. The database has another one.

    `kind`: the dataclass that the endpoint returns.
    """
    return {field.name: done.document[field.name] for field in fields(kind)}


def told(done: Done, value: Any, status: int = 200, **headers: str) -> Answer:
    """What a caller is told of a request: the same whether it was done now or before."""
    replayed = {"Idempotent-Replayed": "true"} if done.replayed else {}
    return Answer(value, status, {**replayed, **headers})
