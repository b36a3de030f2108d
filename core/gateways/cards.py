"""The port to a card gateway. Whoever implements it keeps the promise of the key: the same key never charges twice."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


class GatewayUnavailable(Exception):
    """No answer: not reached, or reached and not answered in time. Whether the card was charged is unknown until the key is looked up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway did with a charge: charged, or declined with its reason."""

    charged: bool
    reason: str | None = None


class CardGateway(Protocol):
    """Charges stored cards. Amounts are positive, in the currency's usual notation; keys are ours, unique for each charge."""

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        """Charge a card, once per key: a repeated key answers what was done. Raises `GatewayUnavailable`."""
        ...

    def look_up(self, key: str) -> Answer | None:
        """What became of a key; none when the gateway has never seen it. Raises `GatewayUnavailable`."""
        ...

    def refund(self, key: str, amount: Decimal) -> None:
        """Give back part of a charge, at most what was charged (ValueError). Raises `GatewayUnavailable`."""
        ...
