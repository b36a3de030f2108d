"""Pay invoice: a payment of a postpaid account (Rule 11.6)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Amount
from core.domain.inputs import Sign
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoice(AccountCommand):
    """Reduce what is receivable. What is paid beyond that is overpayment."""

    do: Literal["pay_invoice"] = "pay_invoice"
    amount: Annotated[Decimal, Amount(help="How much, such as 50.00.", sign=Sign.POSITIVE)]

    moves_money: ClassVar[bool] = True
    rule: ClassVar[Rule] = Rule.POSTPAID
    while_suspended: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoiceResult(Result):
    """The payment, and what is still receivable after it."""

    do: Literal["pay_invoice"] = "pay_invoice"
    account: str
    amount: Decimal
    receivable: Decimal
    currency: str

    def moved(self) -> Decimal:
        """The amount."""
        return self.amount

    def sentence(self) -> str:
        """``$20.00 paid by acme; $21.50 is still receivable.``"""
        paid = money.in_words(self.amount, self.currency)
        left = money.in_words(self.receivable, self.currency)
        return f"{paid} paid by {self.account}; {left} is still receivable."
