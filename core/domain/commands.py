"""The commands that people and programs give, as data.

Owns their fields, their defaults and their fingerprint (Rule 4.2). What a command does is in activities/, one module each;
whether it is allowed in a state is in `core.domain.state_table`. Amounts are `Decimal`, days are local dates of the account (Rule 1.1).
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal


class Pay(StrEnum):
    """How a purchase is paid (Rule 4.1). Contracts (Rule 8.3) follow."""

    CREDITS = "credits"
    EXTERNAL_INVOICE = "external_invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What all commands share.

    `request_id` is the caller's (Rule 4.2); `actor` is who asked, for the history; neither is part of the fingerprint.
    """

    do: str
    request_id: str | None = None
    actor: str = "platform"

    def fingerprint(self) -> str:
        """A hash of every value but the request id and the actor, with defaults filled in: equal commands, equal fingerprints (Rule 4.2)."""
        values = {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.name not in ("request_id", "actor", "account_hint")
        }
        text = json.dumps(values, sort_keys=True, default=_canonical)
        return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase(Command):
    """Buy a subscription (Rule 4.1). `legacy` renews a day earlier (Rule 1.5)."""

    do: Literal["purchase"] = "purchase"
    subscription: str
    account: str
    sku: str
    quantity: int = 1
    multiplier: int = 1
    addons: dict[str, int] = field(default_factory=dict)
    pay: Pay = Pay.CREDITS
    invoice_number: str | None = None
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCommand(Command):
    """A command on one subscription. `account_hint` names the account it was meant for, so that a command on a subscription
    that was never created is checked against that account's suspension first (Rule 2, the order of checks)."""

    subscription: str
    account_hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover(SubscriptionCommand):
    """Renew a failed subscription now (Rule 6.1)."""

    do: Literal["recover"] = "recover"
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(SubscriptionCommand):
    """Pay in advance: `cycles` whole cycles, or up `to` a day; exactly one of the two (Rule 6.2)."""

    do: Literal["extend"] = "extend"
    cycles: int | None = None
    to: date | None = None
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactivate(SubscriptionCommand):
    """Bring an expired subscription back (Rule 7)."""

    do: Literal["reactivate"] = "reactivate"
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(SubscriptionCommand):
    """Switch auto-renewal off (Rule 8.1)."""

    do: Literal["unsubscribe"] = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubscribe(SubscriptionCommand):
    """Switch auto-renewal on again (Rule 8.1)."""

    do: Literal["resubscribe"] = "resubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate(SubscriptionCommand):
    """End a subscription for good, with its refund (Rule 8.2)."""

    do: Literal["terminate"] = "terminate"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCommand(Command):
    """A command on one account."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(AccountCommand):
    """Add credits; sets off the retry of failed renewals (Rule 5.4)."""

    do: Literal["top_up"] = "top_up"
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCard(AccountCommand):
    """Store a card, or remove it (`card` is none). The value is the gateway's token, never a card number."""

    do: Literal["set_card"] = "set_card"
    card: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccount(AccountCommand):
    """Change settings of an account; what is none stays. `credit_limit_until` is the limit's last day; without it the limit is for good (Rule 11.1)."""

    do: Literal["set"] = "set"
    credit_limit: Decimal | None = None
    credit_limit_until: date | None = None
    renew_by_card: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(AccountCommand):
    """Suspend an account (Rule 11.8)."""

    do: Literal["suspend"] = "suspend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(AccountCommand):
    """Resume a suspended account (Rule 11.8)."""

    do: Literal["resume"] = "resume"


AnySubscriptionCommand = Recover | Extend | Reactivate | Unsubscribe | Resubscribe | Terminate
AnyAccountCommand = TopUp | SetCard | SetAccount | Suspend | Resume
AnyCommand = Purchase | AnySubscriptionCommand | AnyAccountCommand
