"""What should be done and is not: overdue steps, charges without an outcome, messages that wait.

Each count stops at `MOST_COUNTED`. Each is read by an index of what is open, so that it costs
nothing where nothing waits.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from doors.queries.snapshot import open_snapshot
from doors.queries.wall.scope import Scope

MOST_COUNTED = 10_000
"""So many are counted. More are said to be at least as many."""

_COUNTED = """
SELECT count(*) AS waiting, min(since) AS oldest FROM (
  {rows} ORDER BY since LIMIT :counted
) waiting
"""
_WAITING = {
    "steps that are overdue": """
  SELECT s.due AS since FROM steps s JOIN accounts a ON a.id = s.account
   WHERE {steps} AND s.due < :now AND {of}
""",
    "card charges without an outcome": """
  SELECT c.asked_at AS since FROM card_charges c JOIN accounts a ON a.id = c.account
   WHERE NOT c.booked AND c.calls > 0 AND c.outcome = 'pending' AND {of}
""",
    "notices that are overdue": """
  SELECT m.due AS since FROM messages m JOIN accounts a ON a.id = m.account
   WHERE {messages} AND m.state = 'planned' AND m.due < :now AND {of}
""",
    "messages to endpoints that wait": """
  SELECT d.first_at AS since FROM endpoints e
    JOIN deliveries d ON d.endpoint = e.id AND d.state = 'pending'
   WHERE e.seller = :seller AND e.removed_at IS NULL
""",
    "subscriptions whose workflow was not started": """
  SELECT s.planned_at AS since FROM subscriptions s JOIN accounts a ON a.id = s.account
   WHERE NOT s.workflow_started AND s.status <> 'TERMINATED' AND {of}
""",
    "accounts whose balance differs from the ledger": """
  SELECT CAST(NULL AS timestamptz) AS since
    FROM verified_balances v JOIN accounts a ON a.id = v.account WHERE v.differs AND {of}
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something that waits.

    `what`: in words. `count`: how many, at most `MOST_COUNTED`. `oldest`: since when the oldest
    waits (UTC), None if there is none.
    """

    what: str
    count: int
    oldest: datetime | None


def health(scope: Scope) -> list[Waiting]:
    """What waits, in a fixed order. What waits for nothing has the count zero."""
    values = scope.values | {"counted": MOST_COUNTED}
    parts = {"of": scope.accounts, "steps": scope.on_clock("s"), "messages": scope.on_clock("m")}
    found = []
    with open_snapshot(scope.ledger) as snapshot:
        for what, rows in _WAITING.items():
            query = text(_COUNTED.format(rows=rows.format(**parts)))
            row: Any = snapshot.connection.execute(query, values).one()
            found.append(Waiting(what=what, count=row.waiting, oldest=row.oldest))
    return found
