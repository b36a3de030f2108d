"""Set the quantity of an add-on, now or at renewal (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.catalog import SkuKind
from core.domain.commands.base import States, SubscriptionCommand
from core.domain.commands.changes import CHANGES, ChangeResult, When
from core.domain.commands.fields import Choice, InvoiceNumber, Sku, Whole
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAddon(SubscriptionCommand):
    """Set how many of an add-on there are. More cost the prorated difference, fewer nothing."""

    do: Literal["set_addon"] = "set_addon"
    sku: Annotated[str, Sku(help="The add-on.", kinds=(SkuKind.ADDON,))]
    quantity: Annotated[int, Whole(help="How many there are. 0 removes the add-on.", least=0)]
    when: Annotated[When, Choice(help="From when it holds.", choices=When)] = When.NOW
    invoice_number: Annotated[str | None, InvoiceNumber(in_scenario=False)] = None

    rule: ClassVar[Rule] = Rule.CHANGES
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAddonResult(ChangeResult):
    """The add-on and its new quantity."""

    do: Literal["set_addon"] = "set_addon"
    sku: str
    quantity: int

    what: ClassVar[str] = "has {quantity} × {sku}"
