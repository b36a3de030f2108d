"""Renewals by hour or day: due, made, late, failed; and how long after their date they were made.

Reads the lines of history of the stretch by the index `history_at`, and the steps that are due by
the index `steps_by_kind`, or `steps_due` for a test clock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text

from core.domain.rules import Rule
from core.domain.steps import RENEWALS
from doors.queries.snapshot import open_snapshot
from doors.queries.wall.scope import Scope, Unit

_MADE = """
SELECT date_trunc(:unit, h.at AT TIME ZONE 'UTC') AS begin,
       count(*) FILTER (WHERE h.event = 'renewed') AS made,
       count(*) FILTER (WHERE h.event = 'renewed' AND h.rule = :retry) AS healed,
       count(*) FILTER (WHERE h.event = 'renewed' AND h.rule = :outage) AS late,
       count(*) FILTER (WHERE h.event = 'renewal_failed' AND h.rule <> :retry) AS failed,
       count(*) FILTER (WHERE h.event = 'renewal_failed' AND h.rule = :retry) AS failed_again
  FROM history h JOIN accounts a ON a.id = h.account
 WHERE h.at >= :since AND h.at < :until AND h.event IN ('renewed', 'renewal_failed')
   AND {accounts}
 GROUP BY 1
"""
_DUE = """
SELECT date_trunc(:unit, s.due AT TIME ZONE 'UTC') AS begin, count(*) AS due
  FROM steps s JOIN accounts a ON a.id = s.account
 WHERE {of_clock} AND s.kind = ANY(:kinds) AND s.due < :until
   AND {accounts}
 GROUP BY 1
"""
_LATENESS = """
WITH made AS MATERIALIZED (
  SELECT h.at, h.operation, h.subscription, a.timezone
    FROM history h JOIN accounts a ON a.id = h.account
   WHERE h.at >= :since AND h.at < :until AND h.event = 'renewed' AND h.rule IN (:first, :outage)
     AND {accounts}
   ORDER BY h.at DESC LIMIT :most
)
SELECT width_bucket(
         extract(epoch FROM m.at - (
           (o.cycle - CASE WHEN s.legacy THEN :legacy ELSE :lead END)::timestamp
           AT TIME ZONE m.timezone)),
         CAST(:bounds AS numeric[])) AS place, count(*) AS renewals
  FROM made m
  JOIN operations o ON o.id = m.operation
  JOIN subscriptions s ON s.id = m.subscription
 GROUP BY 1
"""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
LATENESS = (
    (_MINUTE, "within a minute"),
    (5 * _MINUTE, "within 5 minutes"),
    (_HOUR, "within an hour"),
    (6 * _HOUR, "within 6 hours"),
    (_DAY, "within a day"),
    (7 * _DAY, "within a week"),
)
"""The bounds of the histogram in seconds, and their words. What is later is `LATER`."""
LATER = "later than a week"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalsOf:
    """The renewals of an hour or a day.

    `begin`: its first instant (UTC).
    `due`: attempts that are still to be made.
    `made`: renewals. `healed` of them by a retry or a top-up, `late` of them after an outage.
    `failed`: first attempts that failed. `failed_again`: retries that failed.
    """

    begin: datetime
    due: int = 0
    made: int = 0
    healed: int = 0
    late: int = 0
    failed: int = 0
    failed_again: int = 0


def renewals(scope: Scope, unit: Unit) -> list[RenewalsOf]:
    """The renewals of a stretch in their order. Hours and days without any are left out.

    What should have been attempted before the stretch counts in the hour or day when it was due.
    """
    values = scope.values | {
        "unit": str(unit),
        "retry": str(Rule.RETRY),
        "outage": str(Rule.OUTAGE),
        "kinds": [str(kind) for kind in RENEWALS],
    }
    found: dict[datetime, dict[str, int]] = {}
    with open_snapshot(scope.ledger) as snapshot:
        made = text(_MADE.format(accounts=scope.accounts))
        for row in snapshot.connection.execute(made, values):
            found[row.begin] = {k: v for k, v in row._mapping.items() if k != "begin"}
        due = text(_DUE.format(of_clock=scope.on_clock("s"), accounts=scope.accounts))
        for row in snapshot.connection.execute(due, values):
            found.setdefault(row.begin, {})["due"] = row.due
    return [
        RenewalsOf(begin=begin.replace(tzinfo=UTC), **counts)
        for begin, counts in sorted(found.items())
    ]


def lateness(scope: Scope) -> list[tuple[str, int]]:
    """How long after the first instant of their renewal date first attempts have renewed.

    It counts the newest renewals of the stretch, at most `MOST_ROWS`. The lead is that of the
    policy in force. Returns words and how many renewals, in the order of the words.
    """
    with open_snapshot(scope.ledger) as snapshot:
        _, version = snapshot.versions_in_force()
        policy = snapshot.policy(version)
        values = scope.values | {
            "first": str(Rule.RENEWAL),
            "outage": str(Rule.OUTAGE),
            "lead": policy.renewal_lead_days,
            "legacy": policy.legacy_renewal_lead_days,
            "bounds": [bound for bound, _ in LATENESS],
        }
        query = text(_LATENESS.format(accounts=scope.accounts))
        found = {r.place: r.renewals for r in snapshot.connection.execute(query, values)}
    words = [*(word for _, word in LATENESS), LATER]
    return [(word, found.get(place, 0)) for place, word in enumerate(words)]
