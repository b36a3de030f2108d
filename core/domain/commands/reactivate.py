"""Reactivate: bring an expired subscription back (Rule 7)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from core.domain.commands.base import (
    ALLOWED,
    ExternalInvoice,
    PaidResult,
    States,
    SubscriptionCommand,
)
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactivate(SubscriptionCommand):
    """Bring an expired subscription back on its old schedule, for one full fee."""

    do: Literal["reactivate"] = "reactivate"
    invoice_number: ExternalInvoice = None

    rule: ClassVar[Rule] = Rule.REACTIVATE
    in_campaign: ClassVar[bool] = True
    states: ClassVar[States] = States(
        active=Rule.REACTIVATE,
        failed=Rule.REACTIVATE,
        trial=Rule.REACTIVATE,
        expired=ALLOWED,
        trial_expired=Rule.TRIAL,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivateResult(PaidResult):
    """The cycle that was paid."""

    do: Literal["reactivate"] = "reactivate"

    done: ClassVar[str] = "reactivated"
