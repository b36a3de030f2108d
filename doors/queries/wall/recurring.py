"""Recurring revenue, and the renewals that are expected, with what they cost.

Subscriptions with the same contents cost the same. So they are grouped by what they have, and one
of each group is priced by the rules, at today's prices. At most `MOST_GROUPS` groups are priced. A
figure says how many subscriptions are left over. Reads the subscriptions of the seller once, and
the steps that are due by the index `steps_by_kind`, or `steps_due` for a test clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from core.domain.calendar import local_date
from core.domain.fees import next_cycle_lines, payable
from core.domain.money import round_half_up
from core.domain.price_in_force import next_fee_lines
from core.domain.refusal import Refused
from core.domain.steps import StepKind
from core.domain.subscription import ZERO, Subscription
from core.ledger.bulk_write import one_of
from core.ledger.rows import subscription_from
from core.ledger.tables import SubscriptionRow
from doors.queries.snapshot import Snapshot, open_snapshot
from doors.queries.wall.scope import Scope

MOST_GROUPS = 2_000
"""So many kinds of contents are priced."""
AHEAD = 30
"""So many days are looked ahead."""

_CONTENTS = """
       a.currency, a.timezone, s.sku, s.quantity, s.multiplier, s.cycle_months, s.contract,
       s.addons, s.coming, CASE WHEN s.align THEN s.expiry END AS aligned,
       CASE WHEN s.cycles_paid < s.discount_cycles THEN s.discount END AS discounted,
       CASE WHEN s.numbers IS NOT NULL THEN (
         SELECT string_agg(n.value, ' ' ORDER BY n.value) FROM jsonb_each_text(s.numbers) n
       ) END AS numbers
"""
_RENEWS = """
   s.status = 'ACTIVE' AND s.auto_renew AND NOT s.trial AND {accounts}
"""
_RECURRING = """
SELECT {contents}, min(s.id) AS one, count(*) AS subscriptions
  FROM subscriptions s JOIN accounts a ON a.id = s.account
 WHERE {renews}
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 ORDER BY 14 DESC, 13
"""
_EXPECTED = """
SELECT {contents}, (p.due AT TIME ZONE a.timezone)::date AS day, min(s.id) AS one,
       count(*) AS subscriptions
  FROM steps p
  JOIN subscriptions s ON s.id = p.subject
  JOIN accounts a ON a.id = s.account
 WHERE {of_clock} AND p.kind = :renew AND p.due < :ahead AND {renews}
   AND p.subject_kind = 'subscription'
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 ORDER BY 15 DESC, 14
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """What renews by itself, in a currency.

    `subscriptions`: how many are ACTIVE, no trials, with auto-renewal on.
    `monthly`: what they cost in a month at today's prices: the fee of the next cycle, without
    alignment, divided by its months. Each kind is rounded once.
    `not_priced`: how many are left over, because a price is missing or the kinds are too many.
    """

    currency: str
    subscriptions: int
    monthly: Decimal
    not_priced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The renewals that are due on a local day of their accounts, in a currency.

    `amount`: what they cost at today's prices, if each is paid. `not_priced`: as in `Recurring`.
    """

    day: date
    currency: str
    renewals: int
    amount: Decimal
    not_priced: int


def recurring(scope: Scope) -> list[Recurring]:
    """What renews by itself, by currency."""
    found: dict[str, list[Any]] = {}
    with open_snapshot(scope.ledger) as snapshot:
        query = text(_RECURRING.format(**_parts(scope)))
        rows = snapshot.connection.execute(query, scope.values).all()
        for row, one in _with_one_of_each(snapshot, rows):
            sums = found.setdefault(row.currency, [0, ZERO, 0])
            fee = None if one is None else _monthly(snapshot, scope, one, row)
            sums[0] += row.subscriptions
            if fee is None:
                sums[2] += row.subscriptions
            else:
                sums[1] += round_half_up(fee * row.subscriptions, row.currency)
    return [
        Recurring(currency=currency, subscriptions=count, monthly=monthly, not_priced=left)
        for currency, (count, monthly, left) in sorted(found.items())
    ]


def expected(scope: Scope) -> list[Expected]:
    """The renewals of the next 30 days, by day and currency. Each subscription counts once.

    What is overdue counts on the day on which it was due.
    """
    ahead = scope.now + timedelta(days=AHEAD)
    values = scope.values | {"ahead": ahead, "renew": str(StepKind.RENEW)}
    query = text(_EXPECTED.format(of_clock=scope.on_clock("p"), **_parts(scope)))
    found: dict[tuple[date, str], list[Any]] = {}
    with open_snapshot(scope.ledger) as snapshot:
        rows = snapshot.connection.execute(query, values).all()
        for row, one in _with_one_of_each(snapshot, rows):
            sums = found.setdefault((row.day, row.currency), [0, ZERO, 0])
            fee = None if one is None else _next_fee(snapshot, one, row)
            sums[0] += row.subscriptions
            if fee is None:
                sums[2] += row.subscriptions
            else:
                sums[1] += fee * row.subscriptions
    return [
        Expected(day=day, currency=currency, renewals=count, amount=amount, not_priced=left)
        for (day, currency), (count, amount, left) in sorted(found.items())
    ]


def _parts(scope: Scope) -> dict[str, str]:
    return {"contents": _CONTENTS, "renews": _RENEWS.format(accounts=scope.accounts)}


def _with_one_of_each(
    snapshot: Snapshot, rows: Sequence[Any]
) -> Iterator[tuple[Any, Subscription | None]]:
    """Each group with one of its subscriptions, None beyond `MOST_GROUPS`."""
    ids = [row.one for row in rows[:MOST_GROUPS]]
    query = select(SubscriptionRow.__table__).where(one_of(SubscriptionRow.id, ids))
    ones = {row.id: subscription_from(row) for row in snapshot.connection.execute(query)}
    for row in rows:
        yield row, ones.get(row.one)


def _monthly(snapshot: Snapshot, scope: Scope, one: Subscription, row: Any) -> Decimal | None:
    today = local_date(scope.now, row.timezone)
    try:
        lines = next_cycle_lines(one, snapshot.catalog(), row.currency, today)
    except Refused:
        return None
    return payable(one, lines) / one.next_contents.cycle_months


def _next_fee(snapshot: Snapshot, one: Subscription, row: Any) -> Decimal | None:
    try:
        lines = next_fee_lines(one, snapshot.catalog(), row.currency, row.day)
    except Refused:
        return None
    return payable(one, lines)
