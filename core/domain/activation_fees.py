"""The activation fee of a number, once for each number acquired (Rule 10.1).

It is charged beside the fee of a cycle, without a discount (Rule 3.6), and stands on the monthly
invoice. It is never refunded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.catalog import Catalog
from core.domain.fees import Line
from core.domain.money import round_half_up
from core.domain.subscription import ZERO


@dataclass(frozen=True, slots=True)
class ActivationFee:
    """What the activation of one number costs, rounded."""

    number: str
    amount: Decimal

    @property
    def line(self) -> Line:
        """Its line on the monthly invoice."""
        return Line(f"Activation fee for number {self.number}", self.amount)


def total_of(fees: Iterable[ActivationFee]) -> Decimal:
    """The sum of activation fees."""
    return sum((fee.amount for fee in fees), ZERO)


def fees_of(
    numbers: Mapping[str, str], catalog: Catalog, currency: str, on: date
) -> list[ActivationFee]:
    """The activation fees of numbers, in their order, at the prices in force on a day.

    `numbers`: the SKU of each number. A SKU without an activation fee in the currency costs none.
    """
    fees = []
    for number, sku in numbers.items():
        amount = round_half_up(catalog.activation_fee(sku, currency, on) or ZERO, currency)
        if amount:
            fees.append(ActivationFee(number, amount))
    return fees
