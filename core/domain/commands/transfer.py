"""Transfer: move credits between two accounts of one currency (Rule 11.9)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import AccountId, Amount
from core.domain.inputs import Sign
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(AccountCommand):
    """Move credits to another account. There they count as a top-up for failed renewals."""

    do: Literal["transfer"] = "transfer"
    to: Annotated[str, AccountId(help="The account that gets the credits.")]
    amount: Annotated[Decimal, Amount(help="How much, such as 50.00.", sign=Sign.POSITIVE)]

    moves_money: ClassVar[bool] = True
    rule: ClassVar[Rule] = Rule.TRANSFERS

    def other_accounts(self) -> tuple[str, ...]:
        """The account that gets the credits."""
        return (self.to,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult(Result):
    """The credits that were moved."""

    do: Literal["transfer"] = "transfer"
    account: str
    to: str
    amount: Decimal
    currency: str

    def moved(self) -> Decimal:
        """The amount."""
        return self.amount

    def sentence(self) -> str:
        """``$50.00 transferred from acme to other.``"""
        amount = money.in_words(self.amount, self.currency)
        return f"{amount} transferred from {self.account} to {self.to}."
