"""A subscription and an account, as the rules see them: plain values without storage or clock.

Days are local dates of the account (Rule 1.1). Instants are aware UTC datetimes. Money is `Decimal`
in the account's currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.rules import Rule
from core.domain.worded_enum import member_of

ZERO = Decimal(0)


class Status(StrEnum):
    """Rule 2."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    TERMINATED = "TERMINATED"


class Failure(StrEnum):
    """Why a renewal failed (Rules 5.3, 5.6): its value, its rule, its words.

    `rule`: the rule behind the failure.
    `words`: the reason as it is now, for lists: "usable credits do not cover the fee".
    `past`: the reason as it was then, for explanations.
    """

    rule: Rule
    words: str
    past: str

    def __new__(
        cls, value: str, rule: Rule = Rule.FUNDING, words: str = "", past: str = ""
    ) -> "Failure":
        """A failure from a row of the table below."""
        return member_of(cls, value, rule=rule, words=words, past=past)

    NO_CREDITS = (
        "no_credits",
        Rule.FUNDING,
        "usable credits do not cover the fee",
        "the usable credits did not cover the fee",
    )
    CARD_DECLINED = (
        "card_declined",
        Rule.FUNDING,
        "the card was declined",
        "the card was declined",
    )
    SUSPENDED = (
        "suspended",
        Rule.RENEWAL_WHILE_SUSPENDED,
        "the account is suspended",
        "the account was suspended",
    )
    NO_PRICE = (
        "no_price",
        Rule.PRICE_VERSIONS,
        "the catalogue has no price for it",
        "the catalogue had no price for it on its renewal date",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One thing bought by an account.

    `id`, `account`: its id, and the id of the account that pays for it.
    `sku`, `quantity`, `multiplier`, `addons`: what was bought, and how many of each (Rule 3.1).
    `legacy`: it renews a day earlier (Rule 1.5), default False.
    `status`, `auto_renew`, `renewal_failed`: Rule 2.
    `failure`: why the last renewal failed, default None.
    `anchor`, `months_paid`: *A* and *M* of Rule 1.3.
    `cycle_months`: the months of a cycle.
    `expiry`: *E*, the last paid day.
    `cycles_paid`: how many cycles were paid in any way.
    `planned_at`: the instant at which the steps of this *E* were planned. That is when *E* was set
    or when auto-renewal was switched on.
    `attempted_at`: the last failed or missed attempt to renew since then, default None.
    `expired_on`: the local date on which it was marked EXPIRED: day 1 of the days of Rule 7.
    `terminated_on`: the local date on which it was TERMINATED.
    `policy_version`: the policy that was in force when *E* was set (Rule 14).
    `version`: grows by one with every change.
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

    `id`, `seller`: its id, and the seller it belongs to.
    `currency`, `timezone`: ISO 4217 code and IANA name. All its money and days are in these.
    `balance`, `reserved`, `liability`, `credit_limit`: the amounts of Rule 11.1.
    `credit_limit_until`: the last day of the limit. None means that the limit never ends.
    `card`: the gateway's token of the stored card, default None.
    `renew_by_card`: whether the card pays renewals (Rule 5.3), default False.
    `suspended`: Rule 11.8, default False.
    `closed_on`: the local date on which it was closed (Rule 11.8). None while it is open.
    `closed_for_good`: whether it can no longer be opened again, default False.
    `version`: grows by one when its steps change.
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
    closed_on: date | None = None
    closed_for_good: bool = False
    version: int = 1

    def usable(self, today: date) -> Decimal:
        """What may be spent on this day: balance − reserved − liability + credit limit.

        The function `usable` of the database computes the same (core/ledger/guards/usable.sql).
        """
        limit = (
            self.credit_limit
            if self.credit_limit_until is None or today <= self.credit_limit_until
            else ZERO
        )
        return self.balance - self.reserved - self.liability + limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One paid cycle: first and last day, both inclusive (Rule 1.2).

    `months` is what a refund counts by (Rule 8.2). `scheduled_start` is where the cycle would have
    begun. It differs from the start for a reactivated cycle (Rule 7).
    """

    start: date
    expiry: date
    months: int
    scheduled_start: date
