"""Money in and out, day by day. A month of days sums to the reports of money (docs/reports.md).

Reads the operations of the stretch by the index `operations_month`, and their postings.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from doors.queries.snapshot import open_snapshot
from doors.queries.wall.scope import Scope

_DAYS = """
SELECT (o.at AT TIME ZONE 'UTC')::date AS day, p.currency,
       coalesce(-sum(p.amount) FILTER (
         WHERE p.book IN ('opening', 'bank', 'card', 'transfers', 'adjustments')), 0) AS came_in,
       coalesce(sum(p.amount) FILTER (WHERE p.book IN ('revenue', 'usage')), 0) AS fees,
       coalesce(-sum(p.amount) FILTER (WHERE p.book IN ('refunds', 'fees')), 0) AS refunds
  FROM operations o
  JOIN postings p ON p.operation = o.id
  JOIN accounts a ON a.id = p.account
 WHERE date_trunc('month', o.at AT TIME ZONE 'UTC')::date BETWEEN
         date_trunc('month', CAST(:since AS timestamptz) AT TIME ZONE 'UTC')::date
         AND date_trunc('month', CAST(:until AS timestamptz) AT TIME ZONE 'UTC')::date
   AND o.at >= :since AND o.at < :until AND o.seller = :seller
   AND {of_clock} AND p.book <> 'wallet'
 GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyOf:
    """The money of a day (UTC) in a currency.

    `came_in`: the amount of the report `money-in`: what came into wallets, apart from fees.
    `fees`: that of the report `fees`. `refunds`: `to_wallets` of the report `refunds`.
    """

    day: date
    currency: str
    came_in: Decimal
    fees: Decimal
    refunds: Decimal


def money(scope: Scope) -> list[MoneyOf]:
    """The money of a stretch, by day and currency. Days without any are left out."""
    with open_snapshot(scope.ledger) as snapshot:
        query = text(_DAYS.format(of_clock=scope.on_clock("a")))
        rows = snapshot.connection.execute(query, scope.values)
        return [MoneyOf(**row._mapping) for row in rows]
