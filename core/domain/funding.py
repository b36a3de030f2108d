"""How a sum is funded (Rule 5.3).

Worked sum: usable 30.00, fee 50.00, *renew by card* on. The card is charged 50.00, not 20.00.
Usable is then 80.00, and 30.00 after the fee.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.domain.subscription import Account, Failure, Mode


class Source(StrEnum):
    """Where the money comes from."""

    WALLET = "wallet"
    CARD = "card"


def fund(
    account: Account, amount: Decimal, today: date, *, card_allowed: bool = True
) -> Source | Failure:
    """Return the source of an amount, or why it cannot be funded.

    Usable credits come first. Otherwise the card pays the **whole** amount, if usable is not
    negative, the switch is on and a card is stored. A suspended account funds nothing (Rule 5.6).
    The card of a postpaid account pays nothing (Rule 11.6).
    """
    if account.suspended:
        return Failure.SUSPENDED
    usable = account.usable(today)
    if usable >= amount or amount == 0:
        return Source.WALLET
    has_card = account.renew_by_card and account.card is not None
    if card_allowed and has_card and usable >= 0 and account.mode is Mode.PREPAID:
        return Source.CARD
    return Failure.NO_CREDITS
