"""A subscription and an account, as the rules see them: plain values without storage or clock.

Days are local dates of the account (Rule 1.1). Instants are aware UTC datetimes. Money is `Decimal`
in the account's currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.contents import Coming, Contents
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


class Contract(StrEnum):
    """The kinds of contracts that a purchase may be under (Rule 8.3)."""

    AS_INCURRED = "as_incurred"
    MILESTONE = "milestone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One thing bought by an account.

    `id`, `account`: its id, and the id of the account that pays for it.
    `sku`, `quantity`, `multiplier`, `addons`, `numbers`: what it holds now (Rule 3.1). `addons` are
    quantities by SKU, `numbers` the SKU of each number.
    `coming`: the changes that later cycles bring, oldest first (Rule 9).
    `legacy`: it renews a day earlier (Rule 1.5), default False.
    `align`: its first automatic renewal moves *E* to a month end (Rule 5.5), default False.
    `discount`, `discount_cycles`: percent off the fee lines of its first cycles (Rule 3.6).
    `trial`: it is a trial that was not converted (Rule 4.3), default False.
    `contract`: the kind of contract that it was bought under (Rule 8.3), default None.
    `status`, `auto_renew`, `renewal_failed`: Rule 2.
    `failure`: why the last renewal, or the end of a trial, was not funded. Default None.
    `anchor`, `months_paid`: *A* and *M* of Rule 1.3.
    `cycle_months`: the months of a cycle as it is now.
    `expiry`: *E*, the last paid day, or the last day of the trial.
    `cycles_paid`: how many cycles were paid in any way.
    `planned_at`: the instant at which the steps of this *E* were planned. That is when *E* was set
    or when auto-renewal was switched on. After an import onto a day to come, it is that day.
    Nothing is due before it.
    `attempted_at`: the last failed or missed attempt to charge a cycle since then, default None.
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
    numbers: Mapping[str, str] = field(default_factory=dict)
    coming: tuple[Coming, ...] = ()
    legacy: bool = False
    align: bool = False
    discount: Decimal = ZERO
    discount_cycles: int = 0
    trial: bool = False
    contract: Contract | None = None
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

    def contents_on(self, day: date) -> Contents:
        """What it holds on a day, with the changes of cycles that have begun by then (Rule 9)."""
        begun = (it for it in self.coming if it.since is not None and it.since <= day)
        return self._contents.with_changes(begun)

    @property
    def pending(self) -> tuple[Coming, ...]:
        """The changes of which no cycle is paid yet."""
        return tuple(it for it in self.coming if it.since is None)

    @property
    def next_contents(self) -> Contents:
        """What the next paid cycle holds, with everything that is pending (Rule 9)."""
        return self._contents.with_changes(self.coming)

    @property
    def next_discount(self) -> Decimal:
        """Percent off the fee lines of the next paid cycle (Rule 3.6)."""
        return self.discount if self.cycles_paid < self.discount_cycles else ZERO

    def settled(self, today: date) -> "Subscription":
        """The same, with the changes of cycles that have begun no longer among those to come."""
        later = tuple(it for it in self.coming if it.since is None or it.since > today)
        if len(later) == len(self.coming):
            return self
        return self.holding(self.contents_on(today), later)

    def holding(self, contents: Contents, coming: tuple[Coming, ...]) -> "Subscription":
        """The same with other contents now, and other changes to come."""
        return replace(
            self,
            sku=contents.sku,
            multiplier=contents.multiplier,
            cycle_months=contents.cycle_months,
            addons=contents.addons,
            numbers=contents.numbers,
            coming=coming,
        )

    @property
    def _contents(self) -> Contents:
        return Contents(
            sku=self.sku,
            base_months=self.cycle_months // self.multiplier,
            quantity=self.quantity,
            multiplier=self.multiplier,
            addons=self.addons,
            numbers=self.numbers,
        )


class Mode(StrEnum):
    """How an account pays: in advance, or by a consolidated invoice a month (Rule 11.6)."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"

    @property
    def usable_rule(self) -> Rule:
        """The rule that says what is usable."""
        return Rule.POSTPAID if self is Mode.POSTPAID else Rule.USABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One customer organisation and its wallet (Rules 11.1, 11.6).

    `id`, `seller`: its id, and the seller it belongs to.
    `currency`, `timezone`: ISO 4217 code and IANA name. All its money and days are in these.
    `mode`: whether it pays in advance, default prepaid.
    `balance`, `reserved`, `liability`, `credit_limit`: the amounts of Rule 11.1.
    `unbilled`: what a postpaid account has been charged and is on no invoice yet (Rule 11.6).
    `credit_limit_until`: the last day of the limit. None means that the limit never ends.
    `card`: the gateway's token of the stored card, default None.
    `renew_by_card`: whether the card pays renewals (Rule 5.3), default False.
    `auto_top_up`: whether the card tops it up by itself (Rule 11.2), default False.
    `last_top_up`: the amount of its last top-up, None before the first.
    `auto_topped_up`, `auto_topped_up_on`: the sum of the automatic top-ups of a day, and that day.
    `top_up_at`: when an automatic top-up became due that is still to come (UTC), default None.
    `suspended`: Rule 11.8, default False.
    `closed_on`: the local date on which it was closed (Rule 11.8). None while it is open.
    `closed_for_good`: whether it can no longer be opened again, default False.
    `erased_on`: the local date on which its personal data was erased, default None.
    `uninvoiced`: the first days of the months whose amounts wait for the monthly invoice, oldest
    first (Rule 11.4). Default: none.
    `version`: grows by one when its steps change.
    """

    id: str
    seller: str
    currency: str
    timezone: str
    mode: Mode = Mode.PREPAID
    balance: Decimal = ZERO
    unbilled: Decimal = ZERO
    reserved: Decimal = ZERO
    liability: Decimal = ZERO
    credit_limit: Decimal = ZERO
    credit_limit_until: date | None = None
    card: str | None = None
    renew_by_card: bool = False
    auto_top_up: bool = False
    last_top_up: Decimal | None = None
    auto_topped_up: Decimal = ZERO
    auto_topped_up_on: date | None = None
    top_up_at: datetime | None = None
    suspended: bool = False
    closed_on: date | None = None
    closed_for_good: bool = False
    erased_on: date | None = None
    uninvoiced: tuple[date, ...] = ()
    version: int = 1

    def credit_limit_on(self, today: date) -> Decimal:
        """The credit limit on this day: zero after its last day (Rule 11.1)."""
        ended = self.credit_limit_until is not None and today > self.credit_limit_until
        return ZERO if ended else self.credit_limit

    def usable(self, today: date) -> Decimal:
        """What may be spent on this day.

        Prepaid it is balance − reserved − liability + credit limit (Rule 11.1). Postpaid it is
        credit limit − unbilled − reserved + overpayment (Rule 11.6). The function `usable` of the
        database computes the same (core/ledger/guards/usable.sql).
        """
        limit = self.credit_limit_on(today)
        if self.mode is Mode.POSTPAID:
            return limit - self.unbilled - self.reserved + self.overpayment
        return self.balance - self.reserved - self.liability + limit

    @property
    def receivable(self) -> Decimal:
        """What a postpaid account owes for its invoices (Rule 11.6)."""
        return max(ZERO, -(self.balance + self.unbilled))

    @property
    def overpayment(self) -> Decimal:
        """What a postpaid account has paid beyond its invoices (Rule 11.6)."""
        return max(ZERO, self.balance + self.unbilled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One paid cycle, or the days of a trial: first and last day, both inclusive (Rule 1.2).

    `months`: what a refund counts by (Rule 8.2). Left-over days count as one month more. A trial
    has none, because nothing is charged for its days (Rule 4.3).
    `scheduled_start`: where the cycle would have begun. It differs from the start for a reactivated
    cycle (Rule 7).
    `left_over`, `left_over_of`: days beyond whole months, and the days of the month that they are
    part of (Rules 5.5, 6.2). Default: none.
    `discount`: percent off its fee lines (Rule 3.6), default none.
    """

    start: date
    expiry: date
    months: int
    scheduled_start: date
    left_over: int = 0
    left_over_of: int = 1
    discount: Decimal = ZERO

    @property
    def price_months(self) -> tuple[int, int]:
        """For how many months a line is charged, as a fraction: 1 and 16/31 months are 47/31."""
        whole = self.months - (self.left_over > 0)
        return whole * self.left_over_of + self.left_over, self.left_over_of

    @property
    def days(self) -> int:
        """The days of its scheduled cycle, by which a change in it is prorated (Rules 3.4, 7)."""
        return (self.expiry - self.scheduled_start).days + 1
