"""What a period costs, line by line (Rules 3.1, 3.2, 3.6).

Worked sum: 3 licences at 1200 JPY a month, two months: 3 × 1200 × 2 ÷ 1 = 7200. With a discount of
25 percent: 7200 × 75 ÷ 100 = 5400.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from core.domain.catalog import Catalog
from core.domain.contents import Contents
from core.domain.money import round_half_up
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Contract, Period, Subscription

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Line:
    """One fee line: its text on the invoice and its amount, rounded once (Rule 3.2).

    `cost`: what the seller pays its own supplier for it (Rule 11.5), default nothing.
    """

    text: str
    amount: Decimal
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Part:
    """What one fee line is for: its words, its SKU and how many (Rule 3.1)."""

    words: str
    sku: str
    quantity: int = 1

    @property
    def counted(self) -> str:
        """The words with the quantity: ``primary 3 × PRO``. One is not counted."""
        if self.quantity == 1:
            return self.words
        return f"{self.words.removesuffix(self.sku)}{self.quantity} × {self.sku}"


Known = dict[tuple[str, int, tuple[int, int], Decimal, date], tuple[Decimal, Decimal]]
"""What parts cost, by SKU, quantity, months, discount and day: the fee, and the seller's cost."""


def total(lines: Iterable[Line]) -> Decimal:
    """The sum of rounded lines (Rule 3.2)."""
    return sum((line.amount for line in lines), ZERO)


def cost_of(lines: Iterable[Line]) -> Decimal:
    """What the seller pays its own supplier for lines (Rule 11.5)."""
    return sum((line.cost for line in lines), ZERO)


def payable(subscription: Subscription, lines: Iterable[Line]) -> Decimal:
    """What the wallet pays for lines: nothing under a milestone contract (Rule 8.3)."""
    return ZERO if subscription.contract is Contract.MILESTONE else total(lines)


def parts_of(contents: Contents) -> Iterator[Part]:
    """The primary SKU, each add-on SKU and each single number: a line each (Rule 3.1)."""
    yield Part(f"primary {contents.sku}", contents.sku, contents.quantity)
    for sku, quantity in sorted(contents.addons.items()):
        yield Part(f"add-on {sku}", sku, quantity)
    for number, sku in sorted(contents.numbers.items()):
        yield Part(f"number {number} {sku}", sku)


def period_lines(
    subscription: Subscription, period: Period, catalog: Catalog, currency: str, on: date
) -> list[Line]:
    """What a period costs at the prices in force on a day (Rules 3.5, 3.6).

    `subscription`: as it is when the period is paid. It holds what the period is for.
    Raises `Refused` 4.1 when a price is missing.
    """
    return lines_of(
        subscription.id,
        subscription.contents_on(period.start),
        period.price_months,
        period.discount,
        catalog,
        currency,
        on,
    )


def next_cycle_lines(
    subscription: Subscription,
    catalog: Catalog,
    currency: str,
    on: date,
    months: tuple[int, int] | None = None,
    known: Known | None = None,
) -> list[Line]:
    """The next paid cycle at the prices in force on a day, with what is pending (Rule 9).

    `months`: for how many months it is charged, as a fraction. Default: a whole cycle.
    `known`: as in `lines_of`.
    Raises `Refused` 4.1 when a price is missing.
    """
    contents = subscription.next_contents
    whole = (contents.cycle_months, 1)
    discount = subscription.next_discount
    months = months or whole
    return lines_of(subscription.id, contents, months, discount, catalog, currency, on, known)


def lines_of(
    id_: str,
    contents: Contents,
    months: tuple[int, int],
    discount: Decimal,
    catalog: Catalog,
    currency: str,
    on: date,
    known: Known | None = None,
) -> list[Line]:
    """A line for each part of the contents.

    `id_`: the subscription, for the texts.
    `months`: for how many months it is charged, as a fraction.
    `discount`: percent off each line, before it is rounded.
    `known`: what equal parts have cost. What is found out is added. Default: nothing is known.
    Raises `Refused` 4.1 when a price is missing.
    """
    lines, known = [], {} if known is None else known
    for part in parts_of(contents):
        key = part.sku, part.quantity, months, discount, on
        if key not in known:
            amount, divisor = _price(part, months, discount, catalog, currency, on)
            fee = round_half_up(amount / divisor, currency)
            known[key] = fee, _cost(part, months, catalog, currency, on)
        lines.append(Line(f"{id_} {part.counted}", *known[key]))
    return lines


def _cost(
    part: Part, months: tuple[int, int], catalog: Catalog, currency: str, on: date
) -> Decimal:
    """The seller's cost of a part, rounded once. A discount does not lower it."""
    return round_half_up(exact_cost_of(part, months, catalog, currency, on), currency)


def exact_cost_of(
    part: Part, months: tuple[int, int], catalog: Catalog, currency: str, on: date
) -> Fraction:
    """The seller's cost of a part, not rounded. Zero where no cost is known."""
    cost = catalog.cost(part.sku, currency, on)
    above, below = months
    return Fraction(cost or 0) * part.quantity * above / (below * catalog.months(part.sku))


def price_of(
    part: Part,
    months: tuple[int, int],
    discount: Decimal,
    catalog: Catalog,
    currency: str,
    on: date,
) -> Fraction:
    """What a part costs, not rounded. The arguments are those of `lines_of`.

    Raises `Refused` 4.1 when a price is missing.
    """
    amount, divisor = _price(part, months, discount, catalog, currency, on)
    return Fraction(amount) / divisor


def _price(
    part: Part,
    months: tuple[int, int],
    discount: Decimal,
    catalog: Catalog,
    currency: str,
    on: date,
) -> tuple[Decimal, int]:
    """An amount and what it is divided by. One division keeps a half exact (Rule 3.2)."""
    price = catalog.price(part.sku, currency, on)
    if price is None:
        raise Refused(Rule.PURCHASE, f"{part.sku} has no price in {currency} on {on}")
    above, below = months
    full, divisor = price * part.quantity * above, below * catalog.months(part.sku)
    return (full * (_HUNDRED - discount), divisor * 100) if discount else (full, divisor)
