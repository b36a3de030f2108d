"""Terminate: end a subscription for good, with its refund (Rules 8.2, 8.3)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.commands.base import ALLOWED, Result, States, SubscriptionCommand
from core.domain.commands.fields import Text
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate(SubscriptionCommand):
    """End a subscription for good, with its refund."""

    do: Literal["terminate"] = "terminate"
    reason: Annotated[str, Text(help="Why it ends, for the history.")]

    rule: ClassVar[Rule] = Rule.TERMINATE
    in_campaign: ClassVar[bool] = True
    while_suspended: ClassVar[bool] = True
    pays_back: ClassVar[bool] = True
    moves_money: ClassVar[bool] = True
    states: ClassVar[States] = States(
        active=ALLOWED,
        failed=ALLOWED,
        trial=ALLOWED,
        expired=ALLOWED,
        trial_expired=ALLOWED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateResult(Result):
    """`expiry`: the last day that had been paid. `refund`: what went back to the wallet."""

    do: Literal["terminate"] = "terminate"
    subscription: str
    expiry: date
    refund: Decimal
    currency: str

    def paid(self) -> Decimal | None:
        """The refund, as a negative amount."""
        return -self.refund

    def sentence(self) -> str:
        """``s1 is terminated; $50.00 given back.``"""
        refund = money.in_words(self.refund, self.currency)
        return f"{self.subscription} is terminated; {refund} given back."
