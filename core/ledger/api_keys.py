"""The keys of the HTTP API: made, found by what a caller shows, rotated and revoked.

A key reads ``pk_<id>_<secret>`` (`core.ledger.bearer_tokens`). It is shown once, when it is made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Connection, Row, bindparam, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.domain.faults import Fault, Faults
from core.domain.roles import Role
from core.ledger import audit, sellers
from core.ledger.bearer_tokens import NOTED, Token
from core.ledger.ledger import Ledger
from core.ledger.row_pages import row_pages
from core.ledger.tables import ApiKey

_KIND = "pk"
_PAGE = 100
_SHOWN = select(ApiKey.__table__).where(ApiKey.id == bindparam("id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """A key, without its secret. `active`: it can be used now. Instants are in UTC.

    `scopes`: the operations that it is narrowed to. None: all of its role."""

    id: str
    seller: str
    name: str
    role: Role
    scopes: list[str] | None
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
    scopes: Sequence[str] | None = None,
    id_: str | None = None,
) -> str:
    """Make a key of a seller. Returns the key itself, which is stored nowhere.

    `id_`: 12 hexadecimal digits, so that a form that is sent twice makes one key. Default: random.
    Raises `Faults` when there is a key with this id.

    `expires_at`: the first instant (UTC) at which it is refused. None: never.
    `scopes`: the operations that it is narrowed to. None: all of its role.
    """
    key = Token.new(_KIND, id_)
    narrowed = None if scopes is None else sorted(set(scopes))
    sellers.ensure(connection, seller)
    made_now = connection.execute(
        upsert(ApiKey)
        .values(
            id=key.id,
            seller=seller,
            name=name,
            role=role,
            scopes=narrowed,
            digest=key.digest,
            created_at=now,
            created_by=actor,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
        .returning(ApiKey.id)
    )
    if made_now.scalar() is None:
        _wrong(f"{key.id} is made already, and was shown once; revoke it and create another")
    made = {"name": name, "role": str(role), "expires_at": _text(expires_at)}
    made |= {} if narrowed is None else {"scopes": ", ".join(narrowed)}
    audit.add(connection, seller, "create_key", subject=f"key/{key.id}", after=made)
    return str(key)


def authenticate(ledger: Ledger, shown: str, now: datetime) -> KeyLine | None:
    """The key that a caller shows, of any seller. None if there is none that can be used now.

    The instant of use is written once a minute at most.
    """
    key = Token.read(_KIND, shown)
    if key is None:
        return None
    with ledger.read() as connection:
        row = connection.execute(_SHOWN, {"id": key.id}).one_or_none()
    if not key.has(None if row is None else row.digest) or row is None or not _active(row, now):
        return None
    if row.used_at is None or row.used_at <= now - NOTED:
        stale = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= now - NOTED)
        with ledger.transaction("api_key") as connection:
            connection.execute(update(ApiKey).where(ApiKey.id == key.id, stale).values(used_at=now))
    return _line(row, now)


def keys(
    connection: Connection, seller: str, now: datetime, *, after: str | None = None
) -> Iterator[KeyLine]:
    """The keys of a seller, oldest first. `after`: the id of the key after which they start."""
    place = (ApiKey.created_at, ApiKey.id)
    query = select(ApiKey.__table__).where(ApiKey.seller == seller).order_by(*place)
    last = None if after is None else _row(connection, seller, after)

    def follows(last: Any) -> ColumnElement[bool]:
        return tuple_(*place) > (last.created_at, last.id)

    for row in row_pages(connection, query, follows, _PAGE, last):
        yield _line(row, now)


def revoke(connection: Connection, seller: str, id_: str, now: datetime) -> KeyLine:
    """Revoke a key, at once and for good. One that is revoked already stays as it is.

    Raises `Faults` for a key that the seller does not have.
    """
    row = _row(connection, seller, id_, lock=True)
    if row.revoked_at is None:
        connection.execute(update(ApiKey).where(ApiKey.id == id_).values(revoked_at=now))
        audit.add(connection, seller, "revoke_key", subject=f"key/{id_}")
    return _line(_row(connection, seller, id_), now)


def rotate(
    connection: Connection, seller: str, id_: str, *, now: datetime, overlap: timedelta, actor: str
) -> tuple[str, KeyLine]:
    """Make a key that replaces another one. Both can be used for the time of the overlap.

    The new key has the name, the role and the scopes of the old one, and lives as long as it was
    made to live. Returns the new key, and the old one with its new expiry. Raises `Faults` for a
    key that the seller does not have, that cannot be used any longer, or that was rotated before.
    """
    row = _row(connection, seller, id_, lock=True)
    if not _active(row, now):
        _wrong(f"{id_} cannot be used any longer; create a new key")
    if row.rotated_to is not None:
        _wrong(f"{id_} was rotated to {row.rotated_to}; rotate that one")
    lives = None if row.expires_at is None else now + (row.expires_at - row.created_at)
    key = create(
        connection,
        seller,
        row.name,
        Role(row.role),
        now=now,
        actor=actor,
        expires_at=lives,
        scopes=row.scopes,
    )
    ends = now + overlap if row.expires_at is None else min(row.expires_at, now + overlap)
    connection.execute(
        update(ApiKey).where(ApiKey.id == id_).values(expires_at=ends, rotated_to=id_of(key))
    )
    before = {"expires_at": _text(row.expires_at)}
    after = {"expires_at": _text(ends), "rotated_to": id_of(key)}
    subject = f"key/{id_}"
    audit.add(connection, seller, "rotate_key", subject=subject, before=before, after=after)
    return key, _line(_row(connection, seller, id_), now)


def id_of(key: str) -> str:
    """The public id of a key. Empty for a text that is no key."""
    return key.partition("_")[2].partition("_")[0]


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _wrong(reason: str) -> NoReturn:
    raise Faults([Fault("key", reason)])


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
