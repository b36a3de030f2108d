"""Swap a number for another one of the same SKU (Rules 9, 10.1, 10.2)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.catalog import SkuKind
from core.domain.commands.base import Result, States, SubscriptionCommand
from core.domain.commands.changes import CHANGES
from core.domain.commands.fields import PhoneNumber, Sku
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapNumber(SubscriptionCommand):
    """Swap a number for another one of the same SKU. It costs nothing."""

    do: Literal["swap_number"] = "swap_number"
    number: Annotated[str, PhoneNumber(help="The number that is given back.")]
    to: Annotated[str, PhoneNumber(help="The new number.")]
    sku: Annotated[
        str | None,
        Sku(help="The SKU of the new number. Default: the same.", kinds=(SkuKind.NUMBER,)),
    ] = None

    rule: ClassVar[Rule] = Rule.CHANGES
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapNumberResult(Result):
    """The number that was given back, and the new one."""

    do: Literal["swap_number"] = "swap_number"
    subscription: str
    number: str
    to: str

    def sentence(self) -> str:
        """``s1 has the number +6567654321 in place of +6561234567.``"""
        return f"{self.subscription} has the number {self.to} in place of {self.number}."
