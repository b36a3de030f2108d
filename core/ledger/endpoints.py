"""The endpoints of a seller: added, given another secret, switched on, removed (Rule 12)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from core.domain.endpoints import MOST_ENDPOINTS, EndpointKind, Sealed
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger.tables import Endpoint, Seller

WORKS: dict[str, Any] = {"failures": 0, "failing_since": None, "paused_until": None}
"""The values of an endpoint that works."""
_ON: dict[str, Any] = {**WORKS, "off_at": None, "off_why": None}
MAIL, ALARMS = "e-mail", "alarms"
"""The names of the endpoints of e-mails to customers, and to the seller."""


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
    _require_seller(connection, seller)
    mine = (Endpoint.seller == seller, Endpoint.removed_at.is_(None))
    names = connection.execute(select(Endpoint.name).where(*mine)).scalars().all()
    if name in (MAIL, ALARMS):
        raise Refused(Rule.MESSAGES, f"{name} is the name of e-mails; choose another one")
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
            kind=str(EndpointKind.WEBHOOK),
            url=url,
            events=events,
            test_clocks=test_clocks,
            key=sealed.key,
            salt=sealed.salt,
            added_at=now,
            added_by=actor,
        )
    )


def _require_seller(connection: Connection, seller: str) -> None:
    """Lock the seller's row. Raises `Refused` when there is none."""
    known = connection.execute(select(Seller.id).where(Seller.id == seller).with_for_update())
    if known.scalar() is None:
        raise Refused(
            Rule.MESSAGES, f"seller {seller} has no policy and no catalogue yet; load them first"
        )


def find(
    connection: Connection, seller: str, name: str, *, lock: bool = False, mails: bool = False
) -> Row[Any]:
    """The row of a webhook that is not removed. Raises `Refused` when there is none.

    `lock`: whether the row is locked until the end of the transaction. Default: False.
    `mails`: whether e-mails and alarms are found, too. Default: False.
    """
    kinds = [str(kind) for kind in EndpointKind if mails or kind is EndpointKind.WEBHOOK]
    query = select(Endpoint.__table__).where(
        Endpoint.seller == seller,
        Endpoint.name == name,
        Endpoint.kind.in_(kinds),
        Endpoint.removed_at.is_(None),
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
    connection.execute(update(Endpoint).where(Endpoint.id == row.id).values(**_ON))


def change(
    connection: Connection, row: Row[Any], values: dict[str, Any], now: datetime, why_off: str
) -> None:
    """Change what an endpoint gets and where, or switch it on or off.

    `row`: the endpoint, locked. `values`: those of `url`, `events`, `test_clocks` and `on` that
    change. `why_off`: why it is switched off. What waits for it is not sent then.
    """
    columns = {name: value for name, value in values.items() if name != "on"}
    if values.get("on") is True:
        columns |= _ON
    elif values.get("on") is False and row.off_at is None:
        columns |= {"off_at": now, "off_why": why_off}
    if columns:
        connection.execute(update(Endpoint).where(Endpoint.id == row.id).values(**columns))


def remove(connection: Connection, seller: str, name: str, now: datetime) -> None:
    """Remove an endpoint for good. What waits for it fails. Raises `Refused`."""
    row = find(connection, seller, name, lock=True)
    connection.execute(update(Endpoint).where(Endpoint.id == row.id).values(removed_at=now))


def mail_of(
    connection: Connection, seller: str, kind: EndpointKind = EndpointKind.MAIL
) -> Row[Any] | None:
    """The endpoint of the seller's e-mails. None while e-mails are off.

    `kind`: e-mails to customers, or the seller's alarms.
    """
    query = select(Endpoint.__table__).where(
        Endpoint.seller == seller,
        Endpoint.kind == str(kind),
        Endpoint.removed_at.is_(None),
    )
    return connection.execute(query).one_or_none()


def set_mail(
    connection: Connection,
    seller: str,
    *,
    sender: str,
    seller_address: str | None,
    events: list[str],
    test_clocks: bool,
    now: datetime,
    actor: str,
) -> None:
    """Switch the e-mails of a seller on, or change who they are from.

    They tell of what is committed from now on. A seller with an address gets alarms, too.
    Raises `Refused` when the seller is not set up.
    """
    _require_seller(connection, seller)
    values = {"sender": sender, "seller_address": seller_address, "test_clocks": test_clocks}
    added = {"added_at": now, "added_by": actor}
    _put(connection, seller, EndpointKind.MAIL, MAIL, {**values, "events": events}, added)
    if seller_address is None:
        _take_away(connection, seller, EndpointKind.ALARMS, now)
    else:
        _put(connection, seller, EndpointKind.ALARMS, ALARMS, values, added)


def _put(
    connection: Connection,
    seller: str,
    kind: EndpointKind,
    name: str,
    values: dict[str, Any],
    added: dict[str, Any],
) -> None:
    """Change the one endpoint of a kind, or add it."""
    row = mail_of(connection, seller, kind)
    if row is not None:
        connection.execute(update(Endpoint).where(Endpoint.id == row.id).values(**values, **_ON))
        return
    connection.execute(
        insert(Endpoint).values(seller=seller, name=name, kind=str(kind), **values, **added)
    )


def _take_away(connection: Connection, seller: str, kind: EndpointKind, now: datetime) -> bool:
    """Remove the one endpoint of a kind. Returns whether there was one."""
    row = mail_of(connection, seller, kind)
    if row is not None:
        connection.execute(update(Endpoint).where(Endpoint.id == row.id).values(removed_at=now))
    return row is not None


def mail_off(connection: Connection, seller: str, now: datetime) -> None:
    """Switch the e-mails and alarms of a seller off. Those that wait are not sent.

    Raises `Refused`.
    """
    if not _take_away(connection, seller, EndpointKind.MAIL, now):
        raise Refused(Rule.MESSAGES, "e-mails are off already")
    _take_away(connection, seller, EndpointKind.ALARMS, now)


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
