"""Top up: add credits. Failed renewals that they cover are retried (Rule 5.4)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Amount
from core.domain.inputs import Sign
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(AccountCommand):
    """Add credits. Failed renewals that they cover are renewed at once, oldest first."""

    do: Literal["top_up"] = "top_up"
    amount: Annotated[Decimal, Amount(help="How much, such as 50.00.", sign=Sign.POSITIVE)]

    moves_money: ClassVar[bool] = True
    rule: ClassVar[Rule] = Rule.RETRY
    while_suspended: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpResult(Result):
    """The credits that were added."""

    do: Literal["top_up"] = "top_up"
    account: str
    amount: Decimal
    currency: str

    def moved(self) -> Decimal:
        """The amount."""
        return self.amount

    def sentence(self) -> str:
        """``$50.00 added to acme.``"""
        return f"{money.in_words(self.amount, self.currency)} added to {self.account}."
