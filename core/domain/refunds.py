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
    """What one account has paid for a period, as a refund sees it.

    `id`: the id of the period's row.
    `payer`: the account that has paid.
    `start`, `expiry`, `months`: as in `Period`.
    `paid`: all money of the payer's wallet posted for the period, the sum of its charges.
    `refunded`: what was given back to the payer already.
    `refundable`: whether its SKU allows refunds.
    """

    id: int
    payer: str
    start: date
    expiry: date
    months: int
    paid: Decimal
    refunded: Decimal
    refundable: bool


@dataclass(frozen=True, slots=True)
class Refund:
    """What one account gets back, by period, and the administrative fee that is kept (Rule 8.3)."""

    payer: str
    periods: Mapping[int, Decimal]
    admin_fee: Decimal

    @property
    def amount(self) -> Decimal:
        """What reaches the wallet."""
        return self.given - self.admin_fee

    @property
    def given(self) -> Decimal:
        """What is given back before the fee."""
        return sum(self.periods.values(), ZERO)


def months_begun(start: date, months: int, today: date) -> int:
    """How many months of a period have begun (Rule 8.2).

    Month *j* begins at start + *j* months, clamped. At most all months have begun.
    """
    return sum(1 for j in range(months) if add_months(start, j) <= today)


def period_refund(period: PaidPeriod, today: date, window_days: int, currency: str) -> Decimal:
    """A payer's refund of a period, rounded once, at most what is left of it (Rule 8.4).

    The days of a trial are a period for which nothing was paid (Rule 8.3).
    """
    if not period.paid or not period.refundable or period.expiry < today:
        return ZERO
    if (today - period.start).days <= window_days:
        amount = period.paid
    else:
        left = period.months - months_begun(period.start, period.months, today)
        amount = round_half_up(period.paid * left / period.months, currency)
    return min(amount, period.paid - period.refunded)


def refunds(
    periods: Iterable[PaidPeriod],
    policy: Policy,
    today: date,
    currency: str,
    contract_since: date | None = None,
) -> list[Refund]:
    """All refunds of one termination: one for each payer, in the order of `periods` (Rule 8.2).

    `contract_since`: the day on which a contract was bought. None: there is no contract. All is
    given back within the window after that day, and then nothing, also not for a period that has
    not begun (Rule 8.3).

    The administrative fee comes off the first payer's refund, once.
    """
    window = policy.refund_window_days
    if not policy.refund_allowed:
        return []
    if contract_since is not None and (today - contract_since).days > window:
        return []
    found: dict[str, dict[int, Decimal]] = {}
    for period in periods:
        amount = period_refund(period, today, window, currency)
        if amount > 0:
            found.setdefault(period.payer, {})[period.id] = amount
    fee, refunds = policy.refund_admin_fee.get(currency, ZERO), list[Refund]()
    for payer, amounts in found.items():
        kept = ZERO if refunds else min(fee, sum(amounts.values(), ZERO))
        refunds.append(Refund(payer, amounts, kept))
    return refunds
