"""The port to a card gateway.

Every implementation keeps the promise of the idempotency key: the same key never charges twice.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


class GatewayUnavailable(Exception):
    """The gateway did not respond.

    Whether it charged the card is unknown until the key is looked up.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a charge: charged, or declined with a reason."""

    charged: bool
    reason: str | None = None


class CardGateway(Protocol):
    """Charges stored cards.

    Amounts are positive, in the usual notation of the currency. Keys are Perennial's own and unique
    for each charge.
    """

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        """Charge a card, once per key. A repeated key returns the first result.

        Raises `GatewayUnavailable`.
        """
        ...

    def look_up(self, key: str) -> Answer | None:
        """Return the result of a key, or None if the gateway does not know it.

        Raises `GatewayUnavailable`.
        """
        ...

    def refund(self, key: str, amount: Decimal) -> None:
        """Refund part of a charge.

        Raises ValueError if the sum is higher than the charge, and `GatewayUnavailable`.
        """
        ...
