"""Add a number, from today on or with the next paid cycle (Rules 9, 10.1)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain import money
from core.domain.catalog import SkuKind
from core.domain.commands.base import States, SubscriptionCommand
from core.domain.commands.changes import CHANGES, ChangeResult, When
from core.domain.commands.fields import Choice, InvoiceNumber, PhoneNumber, Sku
from core.domain.numbers import HoldKind
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNumber(SubscriptionCommand):
    """Add a number. It is in use at once.

    From today on it costs the prorated fee and its activation fee. At renewal it is priced from the
    next paid cycle on, and its activation fee is charged with that cycle.
    """

    do: Literal["add_number"] = "add_number"
    number: Annotated[str, PhoneNumber(help="The number that is added.")]
    sku: Annotated[str, Sku(help="The SKU that it is sold as.", kinds=(SkuKind.NUMBER,))]
    hold: Annotated[
        HoldKind, Choice(help="How the customer comes by it (rule 10.2).", choices=HoldKind)
    ] = HoldKind.NORMAL
    when: Annotated[When, Choice(help="From when it is priced.", choices=When)] = When.NOW
    invoice_number: Annotated[str | None, InvoiceNumber(in_scenario=False)] = None

    rule: ClassVar[Rule] = Rule.ACTIVATION_FEE
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNumberResult(ChangeResult):
    """The number. `activation_fee`: what its activation cost now, beside `amount`."""

    do: Literal["add_number"] = "add_number"
    number: str
    sku: str
    activation_fee: Decimal

    what: ClassVar[str] = "has the number {number}"

    def sentence(self) -> str:
        """``s1 has the number +6561234567 from today on: $7.00 paid, activation fee $5.00.``"""
        # The fields have slots, so `super()` needs its arguments.
        sentence = super(AddNumberResult, self).sentence()
        if not self.activation_fee:
            return sentence
        fee = money.in_words(self.activation_fee, self.currency)
        return f"{sentence.removesuffix('.')}, activation fee {fee}."
