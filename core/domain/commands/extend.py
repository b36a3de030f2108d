"""Extend: pay in advance, by whole cycles or up to a day (Rule 6.2)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import (
    ALLOWED,
    ExternalInvoice,
    PaidResult,
    States,
    SubscriptionCommand,
)
from core.domain.commands.fields import Day, Whole
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(SubscriptionCommand):
    """Pay whole `cycles` in advance, or up `to` a day. Exactly one of the two is given."""

    do: Literal["extend"] = "extend"
    cycles: Annotated[int | None, Whole(help="How many cycles are paid.", least=1)] = None
    to: Annotated[date | None, Day(help="The new last paid day.")] = None
    invoice_number: ExternalInvoice = None

    rule: ClassVar[Rule] = Rule.EXTEND
    in_campaign: ClassVar[bool] = True
    exactly_one: ClassVar[tuple[str, ...]] = ("cycles", "to")
    states: ClassVar[States] = States(
        active=ALLOWED,
        failed=ALLOWED,
        trial=Rule.TRIAL,
        expired=Rule.EXTEND,
        trial_expired=Rule.EXTEND,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendResult(PaidResult):
    """The cycles that were paid."""

    do: Literal["extend"] = "extend"

    done: ClassVar[str] = "extended"
