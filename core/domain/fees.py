"""What a cycle costs, line by line (Rules 3.1, 3.2, 3.5, 6.2).

Worked sum: 3 licences at 1200 JPY a month, two months: 3 × 1200 × 2 ÷ 1 = 7200. Extending from 2020-12-15 to 2021-01-31 at 50.00 a month:
one whole anchored month and 16 of the 31 days of the next, 50 + 50 × 16/31 = 75.81.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.domain.calendar import last_paid_day
from core.domain.catalog import Catalog
from core.domain.money import round_half_up
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription


@dataclass(frozen=True, slots=True)
class Line:
    """One fee line: what it says on the invoice and its amount, rounded once (Rule 3.2)."""

    text: str
    amount: Decimal


def total(lines: list[Line]) -> Decimal:
    """The sum of rounded lines (Rule 3.2)."""
    return sum((line.amount for line in lines), ZERO)


def cycle_lines(
    subscription: Subscription, catalog: Catalog, currency: str, on: date
) -> list[Line]:
    """One whole cycle at the prices in force on a day (Rules 3.1, 3.5). Raises `Refused` 4.1 when a price is missing."""
    return [
        Line(text, round_half_up(monthly * subscription.cycle_months / base, currency))
        for text, monthly, base in _parts(subscription, catalog, currency, on)
    ]


def extension_lines(
    subscription: Subscription, catalog: Catalog, currency: str, on: date, to: date
) -> list[Line]:
    """The days from *E* + 1 up to a day: whole anchored months, then left-over days of the month they fall in; rounded once (Rule 6.2)."""
    months, left_over, days = anchored_months(subscription, to)
    return [
        Line(
            f"{text}, extended to {to}",
            round_half_up(monthly * (months * days + left_over) / (days * base), currency),
        )
        for text, monthly, base in _parts(subscription, catalog, currency, on)
    ]


def anchored_months(subscription: Subscription, to: date) -> tuple[int, int, int]:
    """Whole anchored months after *E* up to a day, the left-over days, and the days of the anchored month these fall in."""
    months = 0
    while last_paid_day(subscription.anchor, subscription.months_paid + months + 1) <= to:
        months += 1
    begin = last_paid_day(subscription.anchor, subscription.months_paid + months) + timedelta(
        days=1
    )
    end = last_paid_day(subscription.anchor, subscription.months_paid + months + 1)
    return months, (to - begin).days + 1, (end - begin).days + 1


def _parts(
    subscription: Subscription, catalog: Catalog, currency: str, on: date
) -> Iterator[tuple[str, Decimal, int]]:
    """Each line's text, its price for one of its SKU's base cycles times quantity, and that base cycle's months."""
    items = [
        ("primary", subscription.sku, subscription.quantity),
        *(("add-on", sku, n) for sku, n in sorted(subscription.addons.items())),
    ]
    for label, sku, quantity in items:
        price = catalog.price(sku, currency, on)
        if price is None:
            raise Refused(Rule.PURCHASE, f"{sku} has no price in {currency} on {on}")
        yield f"{subscription.id} {label} {sku}", price * quantity, catalog.months(sku)
