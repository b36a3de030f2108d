"""A subscription and an account, as the rules see them: plain values without identity tricks, storage or clock.

Days are local dates of the account (Rule 1.1), instants are aware UTC datetimes, money is `Decimal` in the account's currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Status(StrEnum):
    """Rule 2."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    TERMINATED = "TERMINATED"


class Failure(StrEnum):
    """Why a renewal failed (Rules 5.3, 5.6)."""

    NO_CREDITS = "no_credits"
    CARD_DECLINED = "card_declined"
    SUSPENDED = "suspended"
    NO_PRICE = "no_price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One thing bought by an account.

    `anchor` and `months_paid` are *A* and *M* of Rule 1.3, `expiry` is *E*. `planned_at` is the instant at which the steps of this *E*
    were planned: when *E* was set or auto-renewal was switched on. `attempted_at` is the last failed (or missed) attempt to renew since then.
    `expired_on` is the local date on which it was marked EXPIRED: day 1 of the days of Rule 7. `version` grows by one with every change.
    """

    id: str
    account: str
    sku: str
    quantity: int = 1
    multiplier: int = 1
    addons: Mapping[str, int] = field(default_factory=dict)
    legacy: bool = False
    status: Status = Status.ACTIVE
    auto_renew: bool = True
    renewal_failed: bool = False
    failure: Failure | None = None
    anchor: date
    months_paid: int
    cycle_months: int
    expiry: date
    cycles_paid: int
    planned_at: datetime
    attempted_at: datetime | None = None
    expired_on: date | None = None
    terminated_on: date | None = None
    policy_version: int = 1
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One customer organisation and its wallet (Rule 11.1).

    `credit_limit_until` is the limit's last day; none means for good. `card` is the gateway's token.
    """

    id: str
    seller: str
    currency: str
    timezone: str
    balance: Decimal = ZERO
    reserved: Decimal = ZERO
    liability: Decimal = ZERO
    credit_limit: Decimal = ZERO
    credit_limit_until: date | None = None
    card: str | None = None
    renew_by_card: bool = False
    suspended: bool = False

    def usable(self, today: date) -> Decimal:
        """What may be spent on this day: balance − reserved − liability + credit limit (Rule 11.1)."""
        limit = (
            self.credit_limit
            if self.credit_limit_until is None or today <= self.credit_limit_until
            else ZERO
        )
        return self.balance - self.reserved - self.liability + limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One paid cycle: first and last day, both inclusive (Rule 1.2).

    `months` is what a refund counts by (Rule 8.2); `scheduled_start` is where the cycle would have begun, which differs for a reactivated one (Rule 7).
    """

    start: date
    expiry: date
    months: int
    scheduled_start: date
