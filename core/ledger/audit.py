"""The audit: every act of people and of programs with a key, chained by hash.

A record holds the SHA-256 of the record before it. So a record that is changed, removed or put in
between breaks its chain, and `verify` finds the place. A seller has sixteen chains. A record joins
one of them by chance, under a lock of that chain alone. Steps that are due by themselves, such as
renewals, are no acts. They never wait for a chain.

What was cut off at the end of a chain is found with the heads of an earlier day, which are kept
elsewhere: `verify` returns the heads, and compares them with known ones.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sqlalchemy import Connection, func, insert, select

from core.domain.acts import Act, CommandAct
from core.ledger.acting import acting
from core.ledger.clocks import machine_now
from core.ledger.row_pages import row_pages
from core.ledger.tables import Audit

if TYPE_CHECKING:
    from core.ledger.ledger import Ledger

CHAINS = 16
FIRST = "0" * 64
"""What the first record of a chain holds for the one before it."""
MOST_FINDINGS = 100
_LOCKS = 32_013
"""The class of the advisory locks of this module."""
_PAGE = 500
_HASHED = (
    *("seller", "chain", "position", "at", "actor", "by", "address", "request_id"),
    *("act", "subject", "outcome", "before", "after", "previous"),
)


class Outcome(StrEnum):
    """What became of an act. ASKED: it begins. WAITS: for a second person.

    UNKNOWN: no outcome has come in time. A later record, or the history, tells it.
    """

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    WAITS = "waits"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. `at` is in UTC.

    `actor`: who, as in the history. `by`: with which key or session. `address`: from where.
    `act`: the operation. `subject`: on what. `before`, `after`: how it stood without and with the
    act. Where that is not known, `after` is what was asked for.
    """

    id: int
    chain: int
    position: int
    at: datetime
    actor: str
    by: str
    address: str
    request_id: str | None
    act: str
    subject: str | None
    outcome: Outcome
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A place at which a chain is broken. `what`: in words."""

    chain: int
    position: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last record of a chain."""

    chain: int
    position: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `verify` has found. `findings`: at most 100. `records`: how many were checked."""

    records: int
    heads: tuple[Head, ...]
    findings: tuple[Finding, ...]


class _About(TypedDict, total=False):
    subject: str | None
    request_id: str | None
    outcome: Outcome
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def add(
    connection: Connection,
    seller: str,
    act: Act | CommandAct,
    *,
    subject: str | None = None,
    request_id: str | None = None,
    outcome: Outcome = Outcome.DONE,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Record an act, in the transaction that does it. Who acts is `core.ledger.acting`,
    and the instant is that of the machine's clock.

    `before`, `after`: plain data without secrets, and without personal data of customers, because a
    record cannot be erased. The lock of the chain is held until the end of the transaction.
    """
    who, chain = acting(), secrets.randbelow(CHAINS)
    lock = func.pg_advisory_xact_lock(_LOCKS, func.hashtext(f"{chain} {seller}"))
    connection.execute(select(lock))
    last = connection.execute(
        select(Audit.position, Audit.hash)
        .where(Audit.seller == seller, Audit.chain == chain)
        .order_by(Audit.position.desc())
        .limit(1)
    ).one_or_none()
    values = {
        "seller": seller,
        "chain": chain,
        "position": 1 if last is None else last.position + 1,
        "at": machine_now(),
        "actor": who.actor,
        "by": who.by,
        "address": who.address,
        "request_id": request_id,
        "act": act,
        "subject": subject,
        "outcome": str(outcome),
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
        "previous": FIRST if last is None else last.hash,
    }
    connection.execute(insert(Audit).values(**values, hash=_hash(values)))


def record(ledger: "Ledger", act: Act | CommandAct, **about: Unpack[_About]) -> None:
    """Record an act in a transaction of its own. `about`: as `add` takes it."""
    with ledger.transaction("audit") as connection:
        add(connection, ledger.seller, act, **about)


def records(
    connection: Connection,
    seller: str,
    *,
    actor: str | None = None,
    subject: str | None = None,
    act: str | None = None,
    before: int | None = None,
) -> Iterator[Record]:
    """The records of a seller, the newest first.

    `actor`, `subject`, `act`: only these. `before`: only records before this id.
    """
    query = select(Audit.__table__).where(Audit.seller == seller)
    if actor is not None:
        query = query.where(Audit.actor == actor)
    if subject is not None:
        query = query.where(Audit.subject == subject)
    if act is not None:
        query = query.where(Audit.act == act)
    if before is not None:
        query = query.where(Audit.id < before)
    query = query.order_by(Audit.id.desc())
    yield from map(_record, row_pages(connection, query, lambda last: Audit.id < last.id, _PAGE))


def verify(connection: Connection, seller: str, known: Iterable[Head] = ()) -> Verified:
    """Check every record of a seller against its chain.

    `known`: heads of an earlier day. A record that was cut off since is found by them.
    """
    return _verified(connection, seller, known)


def verify_newest(connection: Connection, seller: str, most: int) -> Verified:
    """Check the newest `most` records of each chain of a seller, each against the one before it.

    The heads count all records of their chains. So all were checked if `records` is their sum.
    """
    return _verified(connection, seller, (), most)


def _verified(
    connection: Connection, seller: str, known: Iterable[Head], most: int | None = None
) -> Verified:
    """Check records against known heads. `most`: the newest of each chain, default all."""
    count, findings, heads = 0, list[Finding](), list[Head]()
    expected = {(head.chain, head.position): head.hash for head in known}
    for chain in range(CHAINS):
        position = 0 if most is None else max(_length(connection, seller, chain) - most, 0)
        hash_ = FIRST if position == 0 else None
        for row in _chain(connection, seller, chain, position):
            count += 1
            wrong = _wrong(row, position, row.previous if hash_ is None else hash_)
            anchor = expected.pop((chain, row.position), row.hash)
            if wrong is None and anchor != row.hash:
                wrong = "it is not what the known head says"
            if wrong is not None:
                findings.append(Finding(chain=chain, position=row.position, what=wrong))
            position, hash_ = row.position, row.hash
        if hash_ is not None and position:
            heads.append(Head(chain=chain, position=position, hash=hash_))
    findings += [
        Finding(chain=chain, position=position, what="a known record is missing")
        for chain, position in sorted(expected)
    ]
    return Verified(records=count, heads=tuple(heads), findings=tuple(findings[:MOST_FINDINGS]))


def _length(connection: Connection, seller: str, chain: int) -> int:
    mine = (Audit.seller == seller, Audit.chain == chain)
    return connection.execute(select(func.max(Audit.position)).where(*mine)).scalar() or 0


def _chain(connection: Connection, seller: str, chain: int, after: int) -> Iterator[Any]:
    mine = (Audit.seller == seller, Audit.chain == chain, Audit.position > after)
    query = select(Audit.__table__).where(*mine).order_by(Audit.position)
    return row_pages(connection, query, lambda last: Audit.position > last.position, _PAGE)


def _wrong(row: Any, position: int, hash_: str) -> str | None:
    if row.position != position + 1:
        return f"{row.position - position - 1} records before it are missing"
    if row.previous != hash_:
        return "it does not follow the record before it"
    if row.hash != _hash({name: getattr(row, name) for name in _HASHED}):
        return "it was changed"
    return None


def _hash(values: Mapping[str, Any]) -> str:
    plain = {name: values[name] for name in _HASHED}
    plain["at"] = values["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _record(row: Any) -> Record:
    names = Record.__dataclass_fields__.keys() - {"outcome"}
    values = {name: getattr(row, name) for name in names}
    return Record(**values, outcome=Outcome(row.outcome))
