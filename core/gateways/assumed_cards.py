"""The card gateway of a forecast: it charges nothing, and says what is assumed.

A card is charged unless its token is assumed to be declined. Nothing is stored, so a second call
with the same key gives the same result.
"""

from collections.abc import Collection
from decimal import Decimal

from core.gateways.cards import Answer

CHARGED, DECLINED = "assumed_ok", "assumed_declined"
"""The tokens of cards that only an assumption has stored."""


class AssumedCards:
    """Charges every card but those that are assumed to be declined. `declined`: their tokens."""

    def __init__(self, declined: Collection[str] = ()) -> None:
        self._declined = {DECLINED, *declined}

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        """Charge a card in thought."""
        if card in self._declined:
            return Answer(charged=False, reason="assumed")
        return Answer(charged=True)

    def look_up(self, key: str) -> Answer | None:
        """There is no earlier call to be found."""
        return None

    def refund(self, key: str, amount: Decimal) -> None:
        """Refund in thought."""
