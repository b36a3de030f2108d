"""Adjust: the seller gives or takes credits, with a reason (Rule 11.9)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Amount, Text
from core.domain.inputs import Sign
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(AccountCommand):
    """Give credits, or take credits with a negative amount. It sets off no retry (Rule 5.4)."""

    do: Literal["adjust"] = "adjust"
    amount: Annotated[Decimal, Amount(help="How much, negative to take.", sign=Sign.NOT_ZERO)]
    reason: Annotated[str, Text(help="Why, for the history.")]

    moves_money: ClassVar[bool] = True
    rule: ClassVar[Rule] = Rule.TRANSFERS


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustResult(Result):
    """The credits that were given, or taken when the amount is negative."""

    do: Literal["adjust"] = "adjust"
    account: str
    amount: Decimal
    currency: str

    def moved(self) -> Decimal:
        """The amount, given or taken."""
        return abs(self.amount)

    def sentence(self) -> str:
        """``$5.00 given to acme.``"""
        words = "given to" if self.amount > 0 else "taken from"
        return f"{money.in_words(abs(self.amount), self.currency)} {words} {self.account}."
