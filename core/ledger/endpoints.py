"""The endpoints of a seller: added, given another secret, switched on, removed (Rule 12)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from core.domain.endpoints import MOST_ENDPOINTS, Sealed
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger.tables import Endpoint, Seller


def add(
    connection: Connection,
    seller: str,
    name: str,
    *,
    url: str,
    events: list[str] | None,
    test_clocks: bool,
    sealed: Sealed,
    now: datetime,
    actor: str,
) -> None:
    """Add an endpoint. It gets what is committed from now on.

    `url`, `events`: as `core.domain.endpoints` reads them.
    `test_clocks`: whether it gets events of accounts on test clocks.
    `sealed`: its secret.

    Raises `Refused` when the name is taken, the seller is not set up, or has the most endpoints.
    """
    known = connection.execute(select(Seller.id).where(Seller.id == seller).with_for_update())
    if known.scalar() is None:
        raise Refused(
            Rule.MESSAGES, f"seller {seller} has no policy and no catalogue yet; load them first"
        )
    mine = (Endpoint.seller == seller, Endpoint.removed_at.is_(None))
    names = connection.execute(select(Endpoint.name).where(*mine)).scalars().all()
    if name in names:
        raise Refused(Rule.MESSAGES, f"there is an endpoint {name} already")
    if len(names) >= MOST_ENDPOINTS:
        raise Refused(
            Rule.MESSAGES,
            f"there are {len(names)} endpoints; at most {MOST_ENDPOINTS} are allowed, remove one",
        )
    connection.execute(
        insert(Endpoint).values(
            seller=seller,
            name=name,
            url=url,
            events=events,
            test_clocks=test_clocks,
            key=sealed.key,
            salt=sealed.salt,
            added_at=now,
            added_by=actor,
        )
    )


def find(connection: Connection, seller: str, name: str, *, lock: bool = False) -> Row[Any]:
    """The row of an endpoint that is not removed. Raises `Refused` when there is none.

    `lock`: whether the row is locked until the end of the transaction. Default: False.
    """
    query = select(Endpoint.__table__).where(
        Endpoint.seller == seller, Endpoint.name == name, Endpoint.removed_at.is_(None)
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Refused(
            Rule.MESSAGES, f"there is no endpoint {name}; `starter.py webhook list` shows them"
        )
    return row


def rotate(
    connection: Connection,
    seller: str,
    name: str,
    sealed: Sealed,
    now: datetime,
    old_for: timedelta,
) -> None:
    """Give an endpoint another secret. The one before signs as well for some time.

    Raises `Refused` when there is no such endpoint.
    """
    row = find(connection, seller, name, lock=True)
    old = {"old_key": row.key, "old_salt": row.salt, "old_until": now + old_for}
    connection.execute(
        update(Endpoint)
        .where(Endpoint.id == row.id)
        .values(key=sealed.key, salt=sealed.salt, **old)
    )


def switch_on(connection: Connection, seller: str, name: str) -> None:
    """Let an endpoint get messages again, and try it at once. Raises `Refused`."""
    row = find(connection, seller, name, lock=True)
    connection.execute(
        update(Endpoint)
        .where(Endpoint.id == row.id)
        .values(off_at=None, off_why=None, failures=0, failing_since=None, paused_until=None)
    )


def remove(connection: Connection, seller: str, name: str, now: datetime) -> None:
    """Remove an endpoint for good. What waits for it fails. Raises `Refused`."""
    row = find(connection, seller, name, lock=True)
    connection.execute(update(Endpoint).where(Endpoint.id == row.id).values(removed_at=now))


def secrets_of(row: Row[Any], now: datetime) -> list[Sealed]:
    """The secrets that sign a message of now: the present one, and perhaps the one before."""
    found = [Sealed(row.key, row.salt)]
    if row.old_until is not None and now < row.old_until:
        found.append(Sealed(row.old_key, row.old_salt))
    return found


def if_on(connection: Connection, endpoint: int) -> Row[Any] | None:
    """The row of an endpoint. None when it was switched off or removed."""
    query = select(Endpoint.__table__).where(
        Endpoint.id == endpoint, Endpoint.off_at.is_(None), Endpoint.removed_at.is_(None)
    )
    return connection.execute(query).one_or_none()


def ready(connection: Connection, now: datetime) -> list[Row[Any]]:
    """The endpoints of all sellers that may be called now."""
    query = select(Endpoint.__table__).where(
        Endpoint.removed_at.is_(None),
        Endpoint.off_at.is_(None),
        func.coalesce(Endpoint.paused_until, now) <= now,
    )
    return list(connection.execute(query.order_by(Endpoint.id)))
