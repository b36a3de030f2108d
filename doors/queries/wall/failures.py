"""Renewals that failed, by reason, and what became of each.

Reads the newest failures of the stretch by the index `history_at`. What came next of a subscription
is one look-up by the index `history_subscription`.
"""

from dataclasses import dataclass

from sqlalchemy import text

from core.domain.events import Event
from core.domain.rules import Rule
from core.domain.subscription import Failure
from doors.queries.snapshot import open_snapshot
from doors.queries.wall.scope import Scope

_FAILED = """
WITH failed AS MATERIALIZED (
  SELECT h.seq, h.subscription, h.facts->>'reason' AS reason
    FROM history h JOIN accounts a ON a.id = h.account
   WHERE h.at >= :since AND h.at < :until AND h.event = 'renewal_failed' AND h.rule <> :retry
     AND {accounts}
   ORDER BY h.at DESC LIMIT :most
)
SELECT f.reason, n.event, paid.event AS paid, count(*) AS failures
  FROM failed f
  LEFT JOIN LATERAL (
    SELECT n.seq, n.at, n.account, n.event FROM history n
     WHERE n.subscription = f.subscription AND n.seq > f.seq AND n.event = ANY(:ends)
     ORDER BY n.seq LIMIT 1
  ) n ON true
  LEFT JOIN LATERAL (
    SELECT p.event FROM history p
     WHERE n.event = 'renewed' AND p.account = n.account AND p.seq < n.seq
       AND p.seq >= n.seq - :near AND p.at = n.at AND p.event = ANY(:money)
     ORDER BY p.seq DESC LIMIT 1
  ) paid ON true
 GROUP BY 1, 2, 3
"""
_NEAR = 500
"""So many lines before a renewal are looked at for the money that came in at the same instant."""

_ENDS = {
    Event.RENEWED: "a retry",
    Event.RECOVERED: "recovered by command",
    Event.EXTENDED: "extended by command",
    Event.REACTIVATED: "expired and reactivated",
    Event.EXPIRED: "expired",
    Event.TERMINATED: "terminated",
}
_MONEY = {
    Event.TOPPED_UP: "a top-up",
    Event.AUTO_TOPPED_UP: "an automatic top-up",
    Event.TRANSFERRED: "a transfer",
    Event.CARD_CHARGED: "the card",
}
OPEN = "still failed"
"""What became of one that has neither been paid nor ended."""
OUTCOMES = (*_MONEY.values(), *_ENDS.values(), OPEN)
"""All that can become of a failed renewal, in words."""
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """First attempts that failed.

    `reason`: why, in words. `outcome`: what became of them, one of `OUTCOMES`. `count`: how many.
    """

    reason: str
    outcome: str
    count: int


def failures(scope: Scope) -> list[Failures]:
    """The first attempts that failed in a stretch, by reason and by what became of them.

    It counts the newest ones, at most `MOST_ROWS`. What happened after the stretch counts, too.
    """
    values = scope.values | {
        "retry": str(Rule.RETRY),
        "ends": [str(event) for event in _ENDS],
        "money": [str(event) for event in _MONEY],
        "near": _NEAR,
    }
    with open_snapshot(scope.ledger) as snapshot:
        query = text(_FAILED.format(accounts=scope.accounts))
        rows = snapshot.connection.execute(query, values).all()
    found = [
        Failures(
            reason=Failure(row.reason).words if row.reason else _UNKNOWN,
            outcome=_outcome(row.event, row.paid),
            count=row.failures,
        )
        for row in rows
    ]
    return sorted(found, key=lambda it: (it.reason, OUTCOMES.index(it.outcome)))


def _outcome(event: str | None, paid: str | None) -> str:
    if event is None:
        return OPEN
    return _ENDS[Event(event)] if paid is None else _MONEY[Event(paid)]
