"""Usage: what an account has used beside its subscriptions, such as calls (Rules 3.2, 11.1)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Amount, Text
from core.domain.inputs import Sign
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(AccountCommand):
    """Charge the wallet for usage. It stands on the invoice of the month."""

    do: Literal["usage"] = "usage"
    amount: Annotated[Decimal, Amount(help="How much, with up to 5 decimals.", sign=Sign.POSITIVE)]
    text: Annotated[str, Text(help="What was used, for the invoice.")]

    rule: ClassVar[Rule] = Rule.USABLE
    through_workflow: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageResult(Result):
    """The usage that was charged."""

    do: Literal["usage"] = "usage"
    account: str
    amount: Decimal
    currency: str

    def sentence(self) -> str:
        """``$0.12345 of usage charged to acme.``"""
        return f"{money.in_words(self.amount, self.currency)} of usage charged to {self.account}."
