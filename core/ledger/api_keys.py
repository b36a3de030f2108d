"""The keys of the HTTP API: made, found by what a caller shows, rotated and revoked.

A key reads ``pk_<id>_<secret>``. The id is public. The secret has 256 random bits, so one SHA-256
of it is enough. Only this digest is stored, and a key is shown once, when it is made.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import Connection, Row, insert, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.domain.faults import Fault, Faults
from core.domain.roles import Role
from core.ledger.ledger import Ledger
from core.ledger.tables import ApiKey, Seller

_KEY = re.compile(r"pk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_USED = timedelta(minutes=1)
_PAGE = 100
#: What a key without a row is compared with, so that it takes as long as one with a row.
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """A key, without its secret. `active`: it can be used now. Instants are in UTC."""

    id: str
    seller: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    rotated_to: str | None
    active: bool


def create(
    connection: Connection,
    seller: str,
    name: str,
    role: Role,
    *,
    now: datetime,
    actor: str,
    expires_at: datetime | None = None,
) -> str:
    """Make a key of a seller. Returns the key itself, which is stored nowhere.

    `expires_at`: the first instant (UTC) at which it is refused. None: never.
    """
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    connection.execute(upsert(Seller).values(id=seller).on_conflict_do_nothing())
    connection.execute(
        insert(ApiKey).values(
            id=id_,
            seller=seller,
            name=name,
            role=role,
            digest=_digest(secret),
            created_at=now,
            created_by=actor,
            expires_at=expires_at,
        )
    )
    return f"pk_{id_}_{secret}"


def authenticate(ledger: Ledger, shown: str, now: datetime) -> KeyLine | None:
    """The key that a caller shows, of any seller. None if there is none that can be used now.

    The digests are compared in constant time. The instant of use is written once a minute at most.
    """
    match = _KEY.fullmatch(shown)
    if match is None:
        return None
    id_, secret = match.groups()
    with ledger.read() as connection:
        row = connection.execute(select(ApiKey.__table__).where(ApiKey.id == id_)).one_or_none()
    known = _NO_DIGEST if row is None else row.digest
    if not hmac.compare_digest(known, _digest(secret)) or row is None or not _active(row, now):
        return None
    if row.used_at is None or row.used_at <= now - _USED:
        stale = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= now - _USED)
        with ledger.transaction("api_key") as connection:
            connection.execute(update(ApiKey).where(ApiKey.id == id_, stale).values(used_at=now))
    return _line(row, now)


def keys(
    connection: Connection, seller: str, now: datetime, *, after: str | None = None
) -> Iterator[KeyLine]:
    """The keys of a seller, oldest first. `after`: the id of the key after which they start."""
    place = (ApiKey.created_at, ApiKey.id)
    query = select(ApiKey.__table__).where(ApiKey.seller == seller).order_by(*place).limit(_PAGE)
    last = None if after is None else _row(connection, seller, after)
    while True:
        page = query if last is None else query.where(tuple_(*place) > (last.created_at, last.id))
        rows = connection.execute(page).all()
        yield from (_line(row, now) for row in rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1]


def revoke(connection: Connection, seller: str, id_: str, now: datetime) -> KeyLine:
    """Revoke a key, at once and for good. One that is revoked already stays as it is.

    Raises `Faults` for a key that the seller does not have.
    """
    row = _row(connection, seller, id_, lock=True)
    if row.revoked_at is None:
        connection.execute(update(ApiKey).where(ApiKey.id == id_).values(revoked_at=now))
    return _line(_row(connection, seller, id_), now)


def rotate(
    connection: Connection, seller: str, id_: str, *, now: datetime, overlap: timedelta, actor: str
) -> tuple[str, KeyLine]:
    """Make a key that replaces another one. Both can be used for the time of the overlap.

    The new key has the name and the role of the old one, and lives as long as it was made to live.
    Returns the new key, and the old one with its new expiry. Raises `Faults` for a key that the
    seller does not have, that cannot be used any longer, or that was rotated before.
    """
    row = _row(connection, seller, id_, lock=True)
    if not _active(row, now):
        _wrong(f"{id_} cannot be used any longer; create a new key")
    if row.rotated_to is not None:
        _wrong(f"{id_} was rotated to {row.rotated_to}; rotate that one")
    lives = None if row.expires_at is None else now + (row.expires_at - row.created_at)
    key = create(
        connection, seller, row.name, Role(row.role), now=now, actor=actor, expires_at=lives
    )
    ends = now + overlap if row.expires_at is None else min(row.expires_at, now + overlap)
    connection.execute(
        update(ApiKey).where(ApiKey.id == id_).values(expires_at=ends, rotated_to=id_of(key))
    )
    return key, _line(_row(connection, seller, id_), now)


def id_of(key: str) -> str:
    """The public id of a key."""
    return key.split("_")[1]


def _wrong(reason: str) -> NoReturn:
    raise Faults([Fault("key", reason)])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _active(row: Any, now: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


def _row(connection: Connection, seller: str, id_: str, *, lock: bool = False) -> Row[Any]:
    query = select(ApiKey.__table__).where(ApiKey.id == id_, ApiKey.seller == seller)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        _wrong(f"{id_} is no key of this seller; starter.py key list shows all")
    return row


def _line(row: Any, now: datetime) -> KeyLine:
    values = {name: getattr(row, name) for name in KeyLine.__dataclass_fields__ if name != "active"}
    return KeyLine(**values | {"role": Role(row.role)}, active=_active(row, now))
