"""Recover: renew a failed subscription now (Rule 6.1)."""

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
class Recover(SubscriptionCommand):
    """Renew a failed subscription now."""

    do: Literal["recover"] = "recover"
    invoice_number: ExternalInvoice = None

    rule: ClassVar[Rule] = Rule.RECOVER
    in_campaign: ClassVar[bool] = True
    may_charge_card: ClassVar[bool] = True
    states: ClassVar[States] = States(
        active=Rule.RECOVER,
        failed=ALLOWED,
        trial=Rule.RECOVER,
        expired=Rule.RECOVER,
        trial_expired=Rule.RECOVER,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverResult(PaidResult):
    """The cycle that was paid."""

    do: Literal["recover"] = "recover"

    done: ClassVar[str] = "recovered"
