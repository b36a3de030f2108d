"""Requests of HTTP and of the console that are no commands: each runs once with its key (Rule 4.2).

The transaction that carries a request out also writes its row. So a request that was cut off has
either done everything, and is repeated by its row, or has done nothing.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from core.domain.acts import Act
from core.domain.refusal import used_for_something_else
from core.ledger import audit, sellers
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.request_ids import TOP_UP, used_by_any
from core.ledger.tables import ApiRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its idempotency key, what it does, with which values, and who asks.

    `recorded`: whether what it does is in the audit by itself. Default: `once` records the request.
    `about`: its subject in the audit. Default: the account, the campaign or the name of its values.
    """

    request_id: str
    do: Act
    values: Mapping[str, Any]
    actor: str
    recorded: bool = False
    about: str | None = None

    def subject(self) -> str | None:
        """What it is about, for the audit. None: the seller itself."""
        if self.about is not None:
            return self.about
        named = (self.values.get(name) for name in ("account", "campaign", "name", "id"))
        return next((value for value in named if isinstance(value, str)), None)

    def fingerprint(self, salt: str) -> str:
        """The salt, and a hash of it and of what is asked.

        Equal requests have equal fingerprints with the same salt. The hash may be of personal
        data, and the audit keeps it for ever. Without the salt it tells nothing of them.
        """
        text = json.dumps([salt, self.do, self.values], sort_keys=True, default=str)
        return f"{salt}:{hashlib.sha256(text.encode()).hexdigest()}"

    def is_that_of(self, fingerprint: str) -> bool:
        """Whether the request may be the one that has this fingerprint.

        A top-up of the seller has its act as its fingerprint, because every door gives the same
        one. `seller_wallets.top_up` compares the amounts.
        """
        if fingerprint == TOP_UP:
            return self.do == TOP_UP
        return self.fingerprint(fingerprint.partition(":")[0]) == fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a request did. `replayed`: it had been done before, and nothing was done now."""

    document: dict[str, Any]
    replayed: bool


def once(ledger: Ledger, asked: Asked, act: Callable[[Connection], dict[str, Any]]) -> Done:
    """Carry a request out in one transaction, unless it was carried out before.

    `act`: does it on the connection, and returns what the caller is told, as plain data.

    Raises `Refused` 4.2 if the key was used for something else, and what `act` raises. A refusal is
    not kept. `sqlalchemy.exc.IntegrityError` of `act` is raised when no other request with the
    same key has just been carried out.
    """
    if (before := find_done(ledger, asked)) is not None:
        return before
    try:
        with ledger.transaction("api_request") as connection:
            sellers.ensure(connection, ledger.seller)
            document = act(connection)
            fingerprint = asked.fingerprint(secrets.token_hex(16))
            connection.execute(
                insert(ApiRequest).values(
                    seller=ledger.seller,
                    request_id=asked.request_id,
                    do=asked.do,
                    fingerprint=fingerprint,
                    document=document,
                    at=machine_now(),
                    actor=asked.actor,
                )
            )
            if not asked.recorded:
                audit.add(
                    connection,
                    ledger.seller,
                    asked.do,
                    subject=asked.subject(),
                    request_id=asked.request_id,
                    after={"digest": fingerprint.partition(":")[2]},
                )
    except IntegrityError:
        if (before := find_done(ledger, asked)) is None:
            raise
        return before
    return Done(document=document, replayed=False)


def find(connection: Connection, seller: str, request_id: str) -> Row[Any] | None:
    """The row of a request that was carried out, or None."""
    return connection.execute(
        select(ApiRequest.__table__).where(
            ApiRequest.seller == seller, ApiRequest.request_id == request_id
        )
    ).one_or_none()


def find_done(ledger: Ledger, asked: Asked) -> Done | None:
    """What a request did before. None: it was not carried out, or is under way.

    Raises `Refused` 4.2 if its key was used for something else.
    """
    with ledger.read() as connection:
        row = find(connection, ledger.seller, asked.request_id)
        if row is not None and asked.is_that_of(row.fingerprint):
            return Done(document=row.document, replayed=True)
        used = used_by_any(connection, ledger.seller, [asked.request_id])
    others = any(not asked.is_that_of(fingerprint) for fingerprint, _ in used.values())
    if row is not None or others:
        raise used_for_something_else(asked.request_id)
    return None
