"""What a cycle costs, line by line (Rules 3.1, 3.2).

Worked sum: 3 licences at 1200 JPY a month, two months: 3 × 1200 × 2 ÷ 1 = 7200.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.catalog import Catalog
from core.domain.money import round_half_up
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription


@dataclass(frozen=True, slots=True)
class Line:
    """One fee line: its text on the invoice and its amount, rounded once (Rule 3.2)."""

    text: str
    amount: Decimal


def total(lines: Iterable[Line]) -> Decimal:
    """The sum of rounded lines (Rule 3.2)."""
    return sum((line.amount for line in lines), ZERO)


def cycle_lines(
    subscription: Subscription, catalog: Catalog, currency: str, on: date
) -> list[Line]:
    """One whole cycle at the prices in force on a day (Rules 3.1, 3.5).

    Raises `Refused` 4.1 when a price is missing.
    """
    return [
        Line(text, round_half_up(monthly * subscription.cycle_months / base, currency))
        for text, monthly, base in priced_parts(subscription, catalog, currency, on)
    ]


def priced_parts(
    subscription: Subscription, catalog: Catalog, currency: str, on: date
) -> Iterator[tuple[str, Decimal, int]]:
    """Each line's text, its price for one base cycle times its quantity, and that cycle's months.

    Raises `Refused` 4.1 when a price is missing.
    """
    items = [
        ("primary", subscription.sku, subscription.quantity),
        *(("add-on", sku, n) for sku, n in sorted(subscription.addons.items())),
    ]
    for label, sku, quantity in items:
        price = catalog.price(sku, currency, on)
        if price is None:
            raise Refused(Rule.PURCHASE, f"{sku} has no price in {currency} on {on}")
        yield f"{subscription.id} {label} {sku}", price * quantity, catalog.months(sku)
