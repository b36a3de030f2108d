"""Purchase: buy a subscription (Rule 4.1)."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from core.domain.catalog import PRIMARY, SkuKind
from core.domain.commands.base import ExternalInvoice, NewSubscriptionCommand, PaidResult
from core.domain.commands.fields import Choice, Flag, Numbers, Percent, Quantities, Sku, Whole
from core.domain.numbers import Wanted
from core.domain.rules import Rule
from core.domain.subscription import Contract

MOST_NUMBERS = 500
"""So many numbers may be bought with one purchase."""


class Pay(StrEnum):
    """How a purchase is paid (Rules 4.1, 8.3)."""

    CREDITS = "credits"
    EXTERNAL_INVOICE = "external_invoice"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase(NewSubscriptionCommand):
    """Buy a subscription: the whole first cycle is charged at once."""

    do: Literal["purchase"] = "purchase"
    sku: Annotated[str, Sku(help="What is bought.", kinds=tuple(PRIMARY))]
    quantity: Annotated[int, Whole(help="How many licences (rule 3.3).", least=1)] = 1
    multiplier: Annotated[int, Whole(help="Base cycles in one cycle (rule 3.1).", least=1)] = 1
    addons: Annotated[
        dict[str, int], Quantities(help="Quantities by add-on SKU.", kinds=(SkuKind.ADDON,))
    ] = field(default_factory=dict)
    numbers: Annotated[
        tuple[Wanted, ...], Numbers(help="Numbers that are named, each with its SKU (rule 10).")
    ] = ()
    pick: Annotated[
        dict[str, int],
        Quantities(
            help="How many free numbers of a SKU are taken from the inventory, by SKU.",
            kinds=(SkuKind.NUMBER,),
            in_scenario=False,
        ),
    ] = field(default_factory=dict)
    pay: Annotated[Pay, Choice(help="How it is paid.", choices=Pay)] = Pay.CREDITS
    invoice_number: ExternalInvoice = None
    contract: Annotated[
        Contract | None, Choice(help="The kind of contract (rule 8.3).", choices=Contract)
    ] = None
    align: Annotated[
        bool, Flag(help="Whether its first automatic renewal ends with a month (rule 5.5).")
    ] = False
    legacy: Annotated[bool, Flag(help="Whether it renews a day earlier (rule 1.5).")] = False
    discount: Annotated[
        Decimal, Percent(help="Percent off the fee of its first cycles (rule 3.6).")
    ] = Decimal(0)
    discount_cycles: Annotated[int, Whole(help="How many cycles it holds.", least=1)] = 1

    @property
    def contract_kind(self) -> Contract | None:
        """The kind of the contract. One that is not named is as incurred (Rule 8.3)."""
        return (self.contract or Contract.AS_INCURRED) if self.pay is Pay.CONTRACT else None

    def fingerprint(self) -> str:
        """That of all values with their defaults, also the kind of the contract (Rule 4.2)."""
        return NewSubscriptionCommand.fingerprint(replace(self, contract=self.contract_kind))

    rule: ClassVar[Rule] = Rule.PURCHASE


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseResult(PaidResult):
    """The new subscription and what it cost.

    `numbers`: its numbers, when some were picked from the inventory. Else None.
    """

    do: Literal["purchase"] = "purchase"
    numbers: tuple[str, ...] | None = None

    done: ClassVar[str] = "bought"
