"""The tax that a document shows (Rule 11.4, docs/decisions/0024).

A tax never changes what is charged. The amounts of the ledger hold it already, and a document shows
how much of each line it is. The default is no tax.

Worked example: 50.00 EUR with 19 percent hold 50 × 19 / 119 = 7.983…, so 7.98 tax and 42.02 net.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from core.domain.money import round_half_up


class Shown(StrEnum):
    """How the lines of a document are shown.

    `INCLUSIVE`: with the tax that they hold. `EXCLUSIVE`: without it, and the tax is a line of the
    totals. What is to be paid is the same.
    """

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The tax of a seller on what is sold to a country.

    `country`: ISO 3166 code of two letters.
    `since`: the first day, by the date of a document. A later one replaces it.
    `percent`: 0 to 100. Zero is a tax of zero percent, which a document names.
    `name`: what documents call it, such as VAT.
    """

    country: str
    since: date
    percent: Decimal
    name: str
    shown: Shown = Shown.INCLUSIVE


def tax_in(amount: Decimal, rate: TaxRate | None, currency: str) -> Decimal:
    """The tax that an amount holds, rounded once, half up, to the minor unit (Rule 3.2)."""
    percent = Fraction(rate.percent) if rate else Fraction(0)
    return round_half_up(Fraction(amount) * percent / (100 + percent), currency)
