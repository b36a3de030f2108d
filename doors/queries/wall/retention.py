"""Who stays: subscriptions by the month of their first paid cycle, and how long they last; churn.

Reads the first period of each subscription of the seller, by the index
`periods_subscription_expiry`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from core.domain.calendar import add_months
from doors.queries.snapshot import open_snapshot
from doors.queries.wall.scope import Scope

MONTHS = 12
"""So many months are shown."""

_LIVES = """
SELECT date_trunc('month', first.start)::date AS bought,
       date_trunc('month', coalesce(s.expired_on, s.terminated_on))::date AS ended,
       count(*) AS subscriptions
  FROM subscriptions s
  JOIN accounts a ON a.id = s.account
  JOIN LATERAL (
    SELECT p.start FROM periods p
     WHERE p.subscription = s.id AND p.months > 0 ORDER BY p.expiry LIMIT 1
  ) first ON true
 WHERE {accounts}
 GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Subscriptions whose first paid cycle began in a month.

    `month`: its first day.
    `bought`: how many there are.
    `stayed`: how many had not ended at the end of the same month, of the month after it, and so on
    up to the present month.
    """

    month: date
    bought: int
    stayed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """How many subscriptions came and went in a month.

    `month`: its first day. `before`: those that had been bought before and had not ended then.
    `bought`, `ended`: those whose first paid cycle began, and those that expired or were terminated
    in the month. One that was reactivated has not ended.
    """

    month: date
    before: int
    bought: int
    ended: int


def retention(scope: Scope) -> tuple[list[Cohort], list[Churn]]:
    """The last twelve months, oldest first: by month of purchase, and what came and went."""
    with open_snapshot(scope.ledger) as snapshot:
        query = text(_LIVES.format(accounts=scope.accounts))
        lives = snapshot.connection.execute(query, scope.values).all()
    present = scope.now.date().replace(day=1)
    months = [add_months(present, -back) for back in range(MONTHS - 1, -1, -1)]
    return [_cohort(month, months, lives) for month in months], [
        _churn(month, lives) for month in months
    ]


def _cohort(month: date, months: list[date], lives: Iterable[Any]) -> Cohort:
    ends: Counter[date | None] = Counter()
    for life in lives:
        if life.bought == month:
            ends[life.ended] += life.subscriptions
    bought = ends.total()
    stayed = [
        sum(count for ended, count in ends.items() if ended is None or ended > until)
        for until in months
        if until >= month
    ]
    return Cohort(month=month, bought=bought, stayed=tuple(stayed))


def _churn(month: date, lives: Iterable[Any]) -> Churn:
    before = bought = ended = 0
    for life in lives:
        if life.bought < month and (life.ended is None or life.ended >= month):
            before += life.subscriptions
        bought += life.subscriptions if life.bought == month else 0
        ended += life.subscriptions if life.ended == month else 0
    return Churn(month=month, before=before, bought=bought, ended=ended)
