"""Convert: pay the first cycle of a trial (Rule 4.3)."""

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
class Convert(SubscriptionCommand):
    """Pay the first cycle of a trial in full. From then on it is no trial."""

    do: Literal["convert"] = "convert"
    invoice_number: ExternalInvoice = None

    rule: ClassVar[Rule] = Rule.TRIAL
    states: ClassVar[States] = States(
        active=Rule.TRIAL,
        failed=Rule.TRIAL,
        trial=ALLOWED,
        expired=Rule.TRIAL,
        trial_expired=ALLOWED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertResult(PaidResult):
    """The first paid cycle."""

    do: Literal["convert"] = "convert"

    done: ClassVar[str] = "converted"
