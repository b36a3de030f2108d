"""Alarms of a seller: raised once, and forgotten when they are old (Rule 12).

The guard `tell_endpoints` raises the alarm of a failed renewal, in the transaction of the failure,
and gives each alarm to the seller's endpoint of alarms. The others are raised here. Nothing is
raised for a seller that gets no alarms.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, select, text
from sqlalchemy.dialects.postgresql import insert

from core.domain.alarms import Alarm, Raised, digest_due
from core.domain.endpoints import EndpointKind
from core.ledger.tables import AlarmRow, Endpoint

_GETS_ALARMS = (
    Endpoint.kind == str(EndpointKind.ALARMS),
    Endpoint.removed_at.is_(None),
    Endpoint.off_at.is_(None),
)

_FORGET = text(
    """
    DELETE FROM alarms WHERE seq IN (
      SELECT seq FROM alarms a WHERE a.at < :before
         AND NOT EXISTS (SELECT FROM deliveries d JOIN endpoints e ON e.id = d.endpoint
                          WHERE d.event = a.seq AND e.kind = :alarms)
       ORDER BY a.at LIMIT :most)
    """
).bindparams(alarms=str(EndpointKind.ALARMS))


def raise_alarm(
    connection: Connection,
    seller: str,
    kind: Alarm,
    key: str,
    facts: Mapping[str, Any],
    now: datetime,
    account: str | None = None,
) -> None:
    """Raise an alarm, unless it was raised before or the seller gets none.

    `key`: what makes it the same alarm. `now` is in UTC.
    """
    gets = select(exists().where(Endpoint.seller == seller, *_GETS_ALARMS))
    if not connection.execute(gets).scalar():
        return
    values = {"seller": seller, "kind": str(kind), "key": key, "facts": dict(facts)}
    connection.execute(
        insert(AlarmRow).values(**values, account=account, at=now).on_conflict_do_nothing()
    )


def raise_digests(connection: Connection, now: datetime) -> None:
    """Raise the digest of today for each seller that gets alarms since before it was due."""
    if (due := digest_due(now)) is None:
        return
    day, since = due
    sellers = select(Endpoint.seller).where(*_GETS_ALARMS, Endpoint.added_at <= since)
    told = select(AlarmRow.seller).where(
        AlarmRow.kind == str(Alarm.WORK_LISTS), AlarmRow.key == str(day)
    )
    for seller in connection.execute(sellers.where(Endpoint.seller.not_in(told))).scalars().all():
        raise_alarm(connection, seller, Alarm.WORK_LISTS, str(day), {}, now)


def raised_from(row: Row[Any]) -> Raised:
    """An alarm from its row."""
    return Raised(
        seq=row.seq,
        kind=Alarm(row.kind),
        seller=row.seller,
        account=row.account,
        at=row.at,
        facts=row.facts,
    )


def is_newest(connection: Connection, raised: Raised) -> bool:
    """Whether no later alarm of this kind was raised for the seller."""
    later = select(
        exists().where(
            AlarmRow.seller == raised.seller,
            AlarmRow.kind == str(raised.kind),
            AlarmRow.seq > raised.seq,
        )
    )
    return not connection.execute(later).scalar()


def forget(connection: Connection, before: datetime, most: int) -> int:
    """Delete alarms of before an instant whose e-mails are deleted. Returns how many."""
    return connection.execute(_FORGET, {"before": before, "most": most}).rowcount
