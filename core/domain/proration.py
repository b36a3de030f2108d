"""What a change that holds from today on costs in the periods that are paid already (Rule 3.4).

Worked sum: the period 2020-11-16..12-15 has 30 days. On 11-25 there are 21 left, today included. A
plan for 90.00 in place of one for 50.00 costs 40/30 × 21 = 28.00. When the next period is paid,
too, its whole difference is added: 28.00 + 40.00 = 68.00.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial

from core.domain.catalog import Catalog
from core.domain.contents import Coming
from core.domain.fees import Line, Part, exact_cost_of, parts_of, price_of
from core.domain.money import round_half_up
from core.domain.subscription import ZERO, Period, Subscription


@dataclass(frozen=True, slots=True)
class Prorated:
    """The one fee line of a change that holds from today on.

    `text`: what it is for, for the invoice.
    `charges`: its amounts by period. Periods in which the change costs nothing are left out.
    `cost`: what the seller pays its own supplier for it (Rule 11.5), default nothing.
    """

    text: str
    charges: Mapping[int, Decimal]
    cost: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """What the change costs."""
        return sum(self.charges.values(), ZERO)

    @property
    def line(self) -> Line:
        """The line on the invoice."""
        return Line(self.text, self.amount)


def prorate(
    subscription: Subscription,
    change: Coming,
    periods: Mapping[int, Period],
    catalog: Catalog,
    currency: str,
    today: date,
) -> Prorated:
    """What a change costs in each paid period that is not over, never below zero.

    `subscription`: as it is before the change.
    `periods`: the paid periods by id, oldest first.

    Both sides have today's prices. The line is rounded once: a period is charged what the rounded
    sum grows by with it. Raises `Refused` 4.1 when a price is missing.
    """
    charges: dict[int, Decimal] = {}
    exact, rounded, words, cost = Fraction(0), round_half_up(ZERO, currency), "", Fraction(0)
    for id_, period in periods.items():
        first = max(period.start, today)
        if first > period.expiry:
            continue
        before = subscription.contents_on(first)
        old, new = set(parts_of(before)), set(parts_of(before.with_change(change)))
        added, gone = new - old, old - new
        if not added:
            continue
        months, share = period.price_months, _share(period, today)
        price = partial(
            price_of,
            months=months,
            discount=period.discount,
            catalog=catalog,
            currency=currency,
            on=today,
        )
        own = partial(exact_cost_of, months=months, catalog=catalog, currency=currency, on=today)
        exact += _difference(added, gone, price) * share
        cost += _difference(added, gone, own) * share
        amount = round_half_up(exact, currency) - rounded
        if amount:
            words = words or f"{_named(added, gone)} from {first}"
            charges[id_] = amount
            rounded += amount
            last = period.expiry
    text = f"{subscription.id} {words} to {last}" if charges else ""
    return Prorated(text, charges, round_half_up(cost, currency))


def _named(added: Iterable[Part], gone: Iterable[Part]) -> str:
    """What a change is charged for. The quantity is said where all of them are charged for."""
    part = next(iter(added))
    return part.counted if {each.quantity for each in gone} <= {part.quantity} else part.words


def _difference(
    added: Iterable[Part], gone: Iterable[Part], amount: Callable[[Part], Fraction]
) -> Fraction:
    """By how much parts that are added exceed those that are gone, never below zero."""
    more = sum(map(amount, added), Fraction(0)) - sum(map(amount, gone), Fraction(0))
    return max(more, Fraction(0))


def _share(period: Period, today: date) -> Fraction:
    """The part of a period that is left: all of one that has not begun."""
    if period.start > today:
        return Fraction(1)
    return Fraction((period.expiry - today).days + 1, period.days)
