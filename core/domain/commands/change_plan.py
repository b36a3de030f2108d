"""Change the plan: another primary SKU, now or at renewal (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.catalog import PRIMARY
from core.domain.commands.base import ExternalInvoice, States, SubscriptionCommand
from core.domain.commands.changes import CHANGES, ChangeResult, When
from core.domain.commands.fields import Choice, Sku
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan(SubscriptionCommand):
    """Change the plan. A dearer one costs the prorated difference. A cheaper one costs nothing."""

    do: Literal["change_plan"] = "change_plan"
    sku: Annotated[str, Sku(help="The new plan.", kinds=tuple(PRIMARY))]
    when: Annotated[When, Choice(help="From when it holds.", choices=When)] = When.NOW
    invoice_number: ExternalInvoice = None

    rule: ClassVar[Rule] = Rule.CHANGES
    in_campaign: ClassVar[bool] = True
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlanResult(ChangeResult):
    """The new plan."""

    do: Literal["change_plan"] = "change_plan"
    sku: str

    what: ClassVar[str] = "changes to {sku}"
