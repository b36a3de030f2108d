"""Deliveries of messages to endpoints: taken, ended, tried again, forgotten (Rule 12).

A worker takes messages for two minutes. If it dies, another one takes them after that, so each is
sent at least once, with the same id. A message waits while an earlier one of its subscription waits
for the same endpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, any_, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain.alarms import Alarm, Raised
from core.domain.deliveries import (
    OFF_AFTER,
    Answer,
    DeliveryState,
    next_attempt,
    pause_of_endpoint,
    state_after,
)
from core.domain.endpoints import EndpointKind
from core.domain.event_payloads import Happened
from core.domain.events import Event
from core.ledger.alarms import forget, raise_alarm, raised_from
from core.ledger.endpoints import WORKS
from core.ledger.tables import AccountRow, AlarmRow, Delivery, Endpoint, History

TAKEN_FOR = timedelta(minutes=2)
"""How long a worker has for the messages that it has taken."""
KEPT = timedelta(days=30)
"""How long a message that was delivered is shown."""

_BATCH = 1000

# What is due and is not the first one of its subject is put off. The end of the first one wakes it.
_TAKE = text(
    """
    WITH due AS (
      SELECT id, event, subject FROM deliveries
       WHERE endpoint = :endpoint AND state = :pending AND next_at <= :now
       ORDER BY next_at, event LIMIT :most FOR UPDATE SKIP LOCKED
    ), judged AS (
      SELECT due.id, (
        SELECT b.next_at FROM deliveries b
         WHERE b.endpoint = :endpoint AND b.state = :pending AND b.subject = due.subject
           AND b.event < due.event ORDER BY b.event LIMIT 1) AS first
        FROM due
    )
    UPDATE deliveries d SET
      attempts = d.attempts + CASE WHEN first IS NULL THEN 1 ELSE 0 END,
      next_at = greatest(first, :now) + :taken_for
    FROM judged WHERE d.id = judged.id
    RETURNING d.id, first IS NULL AS is_first
    """
).bindparams(pending=str(DeliveryState.PENDING), taken_for=TAKEN_FOR)

_OF_DELIVERY = (
    Delivery.id.label("delivery"),
    Delivery.attempts,
    Delivery.first_at,
    Delivery.subject,
)
_IN_ORDER = (Delivery.id == any_(bindparam("ids", type_=ARRAY(BigInteger))),)
_TAKEN = (
    select(*_OF_DELIVERY, History.__table__, AccountRow.currency)
    .join(History, History.seq == Delivery.event)
    .join(AccountRow, AccountRow.id == History.account)
    .where(*_IN_ORDER)
    .order_by(Delivery.event)
)
_TAKEN_ALARMS = (
    select(*_OF_DELIVERY, AlarmRow.__table__)
    .join(AlarmRow, AlarmRow.seq == Delivery.event)
    .where(*_IN_ORDER)
    .order_by(Delivery.event)
)

_END = text(
    """
    UPDATE deliveries d SET state = e.state, next_at = coalesce(e.next_at, d.next_at),
      done_at = CASE WHEN e.state = :pending THEN NULL ELSE CAST(:now AS timestamptz) END,
      status = e.status, error = e.error
    FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]), CAST(:states AS text[]),
                CAST(:nexts AS timestamptz[]), CAST(:statuses AS int[]), CAST(:errors AS text[]))
      AS e(id, attempts, state, next_at, status, error)
    WHERE d.id = e.id AND d.attempts = e.attempts AND d.state = :pending
    """
).bindparams(pending=str(DeliveryState.PENDING))

_WAKE = text(
    """
    UPDATE deliveries d SET next_at = :now
    FROM unnest(CAST(:subjects AS text[])) AS ended(subject)
    WHERE d.id = (
      SELECT n.id FROM deliveries n WHERE n.endpoint = :endpoint AND n.state = :pending
        AND n.subject = ended.subject ORDER BY n.event LIMIT 1)
    """
).bindparams(pending=str(DeliveryState.PENDING))

_FAIL_OF_OFF = text(
    """
    UPDATE deliveries SET state = :failed, done_at = :now,
      error = 'the endpoint was switched off or removed'
    WHERE id IN (
      SELECT d.id FROM endpoints e JOIN LATERAL (
        SELECT id FROM deliveries WHERE endpoint = e.id AND state = :pending LIMIT :most
      ) d ON true
      WHERE e.off_at IS NOT NULL OR e.removed_at IS NOT NULL LIMIT :most)
    """
).bindparams(pending=str(DeliveryState.PENDING), failed=str(DeliveryState.FAILED), most=_BATCH)

_FORGET = text(
    """
    DELETE FROM deliveries WHERE id IN (
      SELECT id FROM deliveries
       WHERE (state = :delivered OR state = :dropped) AND done_at < :before LIMIT :most)
    """
).bindparams(
    delivered=str(DeliveryState.DELIVERED), dropped=str(DeliveryState.DROPPED), most=_BATCH
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that this worker sends now.

    `attempts`: how often it was tried, this attempt included.
    `first_at`: when it was to go out (UTC). `subject`: in whose order it goes.
    `happened`: the line of the history, or the alarm.
    """

    delivery: int
    attempts: int
    first_at: datetime
    subject: str
    happened: Happened | Raised


def take(
    connection: Connection, endpoint: Row[Any], now: datetime, most: int
) -> list[Taken] | None:
    """Take messages that are due for an endpoint, at most one of each subject.

    `endpoint`: its row. `now`: in UTC. `most`: the most that are looked at.

    Returns None when nothing is due. An empty list means that what was looked at has to wait for
    earlier messages, and there may be more.
    """
    values = {"endpoint": endpoint.id, "now": now, "most": most}
    seen = connection.execute(_TAKE, values).all()
    if not seen:
        return None
    mine = [row.id for row in seen if row.is_first]
    if not mine:
        return []
    alarms = endpoint.kind == EndpointKind.ALARMS
    told, read = (_TAKEN_ALARMS, raised_from) if alarms else (_TAKEN, happened_from)
    return [
        Taken(row.delivery, row.attempts, row.first_at, row.subject, read(row))
        for row in connection.execute(told, {"ids": mine})
    ]


def happened_from(row: Row[Any]) -> Happened:
    """What happened, from a line of the history with the currency of its account."""
    return Happened(
        seq=row.seq,
        event=Event(row.event),
        at=row.at,
        account=row.account,
        subscription=row.subscription,
        rule=row.rule,
        amount=row.amount,
        currency=row.currency,
        facts=row.facts,
    )


def end(
    connection: Connection, endpoint: int, ended: Sequence[tuple[Taken, Answer]], now: datetime
) -> str | None:
    """Note what came of attempts, and how the endpoint does.

    A message whose attempt was taken over by another worker is left to that one. Returns why the
    endpoint was switched off, if it was.
    """
    states, nexts = [], []
    for taken, answer in ended:
        again = next_attempt(taken.attempts, taken.first_at, now)
        states.append(str(state_after(answer, again)))
        nexts.append(again)
    values = {
        "now": now,
        "ids": [taken.delivery for taken, _ in ended],
        "attempts": [taken.attempts for taken, _ in ended],
        "states": states,
        "nexts": nexts,
        "statuses": [answer.status for _, answer in ended],
        "errors": [answer.error or answer.dropped for _, answer in ended],
    }
    connection.execute(_END, values)
    over = [t.subject for (t, _), state in zip(ended, states, strict=True) if not _waits(state)]
    if over:
        connection.execute(_WAKE, {"now": now, "endpoint": endpoint, "subjects": over})
    return _note(connection, endpoint, [answer for _, answer in ended], now)


def _waits(state: str) -> bool:
    return state == DeliveryState.PENDING


def _note(
    connection: Connection, endpoint: int, answers: Sequence[Answer], now: datetime
) -> str | None:
    """Note whether the endpoint works. Returns why it was switched off, if it was."""
    mine = Endpoint.id == endpoint
    row = connection.execute(select(Endpoint.__table__).where(mine)).one()
    if any(answer.gone for answer in answers):
        gone = "it responded with the status 410, which asks for no more messages"
        connection.execute(update(Endpoint).where(mine).values(off_at=now, off_why=gone))
        _alarm(connection, row, gone, now)
        return gone
    if all(answer.dropped is not None for answer in answers):
        return None
    if any(answer.taken or answer.final for answer in answers):
        if row.failures:
            connection.execute(update(Endpoint).where(mine).values(**WORKS))
        return None
    failures, since = row.failures + 1, row.failing_since or now
    values: dict[str, Any] = {
        "failures": failures,
        "failing_since": since,
        "paused_until": now + pause_of_endpoint(failures),
    }
    why = None
    # Alarms stay on. The seller would not be told that they are off.
    stays = row.kind == EndpointKind.ALARMS
    if row.off_at is None and now - since >= OFF_AFTER and not stays:
        why = f"it has failed without one success since {since:%Y-%m-%d %H:%M} UTC"
        values |= {"off_at": now, "off_why": why}
    connection.execute(update(Endpoint).where(mine).values(**values))
    if why is not None:
        _alarm(connection, row, why, now)
    return why


def _alarm(connection: Connection, endpoint: Row[Any], why: str, now: datetime) -> None:
    """Tell the seller that an endpoint was switched off."""
    key = f"{endpoint.id} {now.isoformat()}"
    facts = {"id": endpoint.id, "endpoint": endpoint.name, "why": why}
    raise_alarm(connection, endpoint.seller, Alarm.ENDPOINT_OFF, key, facts, now)


def give_back(connection: Connection, taken: Sequence[Taken], again: datetime) -> None:
    """Give back messages that were taken and not tried. `again`: when they are due (UTC)."""
    connection.execute(
        update(Delivery)
        .where(Delivery.id.in_([one.delivery for one in taken]))
        .values(attempts=Delivery.attempts - 1, next_at=again)
    )


_RESEND = text(
    """
    UPDATE deliveries d SET next_at = :now, done_at = NULL, status = NULL, error = NULL,
      attempts = CASE WHEN state = :pending THEN attempts ELSE 0 END,
      first_at = CASE WHEN state = :pending THEN first_at ELSE :now END,
      state = :pending
    FROM endpoints e WHERE e.id = d.endpoint AND e.off_at IS NULL AND e.removed_at IS NULL
      AND d.id = ANY (CAST(:ids AS bigint[]))
    """
).bindparams(pending=str(DeliveryState.PENDING))


def resend(connection: Connection, ids: Sequence[int], now: datetime) -> int:
    """Let messages that failed or were delivered go out again. Returns how many.

    Those of an endpoint that is off or removed stay as they are. One that is pending is tried at
    once, and its three days go on.
    """
    return connection.execute(_RESEND, {"ids": list(ids), "now": now}).rowcount


def tidy(connection: Connection, now: datetime) -> int:
    """Fail what waits for endpoints that are off, and forget what was delivered long ago.

    Returns how many rows were changed. It does at most 1000 of each at a time.
    """
    failed = connection.execute(_FAIL_OF_OFF, {"now": now}).rowcount
    before = now - KEPT
    forgotten = connection.execute(_FORGET, {"before": before}).rowcount
    return failed + forgotten + forget(connection, before, _BATCH)
