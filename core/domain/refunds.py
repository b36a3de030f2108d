"""What is given back when a subscription is terminated (Rules 8.2, 8.3, 8.4).

period  2021-04-01 ............ 12 months ............ 2022-03-31
04-15 is day 14: everything. 04-16 is day 15: one month has begun, 11/12 of what was paid.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.calendar import add_months
from core.domain.money import round_half_up
from core.domain.policy import Policy
from core.domain.subscription import ZERO


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """A paid period as a refund sees it.

    `id`: the id of its row.
    `start`, `expiry`, `months`: as in `Period`.
    `paid`: all wallet money posted for the period, the sum of its charges.
    `refunded`: what was given back of it already.
    `refundable`: whether its SKU allows refunds.
    """

    id: int
    start: date
    expiry: date
    months: int
    paid: Decimal
    refunded: Decimal
    refundable: bool


@dataclass(frozen=True, slots=True)
class Refund:
    """The refunds by period, and the administrative fee that is kept of their sum (Rule 8.3)."""

    periods: Mapping[int, Decimal]
    admin_fee: Decimal

    @property
    def amount(self) -> Decimal:
        """What reaches the wallet."""
        return sum(self.periods.values(), ZERO) - self.admin_fee


def months_begun(start: date, months: int, today: date) -> int:
    """How many months of a period have begun (Rule 8.2).

    Month *j* begins at start + *j* months, clamped. At most all months have begun.
    """
    return sum(1 for j in range(months) if add_months(start, j) <= today)


def period_refund(period: PaidPeriod, today: date, window_days: int, currency: str) -> Decimal:
    """One period's refund, rounded once, at most what is left of what was paid (Rule 8.4)."""
    if not period.refundable or period.expiry < today:
        return ZERO
    if (today - period.start).days <= window_days:
        amount = period.paid
    else:
        left = period.months - months_begun(period.start, period.months, today)
        amount = round_half_up(period.paid * left / period.months, currency)
    return min(amount, period.paid - period.refunded)


def refund(periods: Iterable[PaidPeriod], policy: Policy, today: date, currency: str) -> Refund:
    """All refunds of one termination (Rules 8.2, 8.3)."""
    amounts = (
        {p.id: period_refund(p, today, policy.refund_window_days, currency) for p in periods}
        if policy.refund_allowed
        else {}
    )
    amounts = {id_: amount for id_, amount in amounts.items() if amount > 0}
    fee = min(policy.refund_admin_fee.get(currency, ZERO), sum(amounts.values(), ZERO))
    return Refund(amounts, fee)
