"""A second, naive implementation of the rule book (docs/rules.md). It computes a scenario's result.

This module imports only the standard library. It shares no line with the engine, so it cannot
repeat a mistake of the engine. It plans nothing ahead and is slow. Before each action it lists all
actions that are due, and runs the earliest one. It finds an instant by a walk from minute to
minute. Money is a fraction.

It knows prepaid and postpaid accounts and their cards, automatic top-ups, usage, transfers,
adjustments, purchases with add-ons and discounts, contracts, trials, renewals, alignment with month
ends, retries, groups, recover, extend, reactivate, unsubscribe, terminate with refunds, changes of
plan, add-ons, numbers, cycle and owner, activation fees, holds of numbers, suspension, notices,
outages, policies, versions of prices, and all kinds of invoices. Of the seller's own wallet it
knows what purchases and renewals take.

A paid period keeps what it holds, and the subscription keeps what its next cycle will hold. A
change from today on changes all of them. A change at renewal changes the next cycle only.

The input is a scenario document as plain values, with days and instants as text. The output is a
result as docs/scenario.md describes it, without the free texts.
"""

import math
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)

POLICY: dict[str, Any] = {
    "renewal_lead_days": 7,
    "legacy_renewal_lead_days": 8,
    "renewal_notice_days": 7,
    "expiring_notice_days": 3,
    "retry_days": [2, 4, 6],
    "reactivation_days": 28,
    "late_renewal_days": 7,
    "refund_window_days": 14,
    "refund_allowed": True,
    "refund_admin_fee": {},
    "group_renewal": "together",
    "retry_on_top_up": True,
    "max_licences": 500,
    "number_hold_days": {
        "normal": {"expired": 56, "terminated": 28, "swapped": 1},
        "ported_in": {"expired": 84, "terminated": 56, "swapped": 28},
    },
    "rebuy_grace_hours": 24,
    "min_cycle_months": 1,
    "trial_end": "expire",
    "auto_top_up_daily_cap": {},
    "seller_wallet": False,
}
"""The defaults of Rule 14, as far as this module plays them."""

MINOR_UNITS = {"CHF": 2, "EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}

ACTIVE, EXPIRED, TERMINATED = "ACTIVE", "EXPIRED", "TERMINATED"

RENEW, RETRY, AT_ONCE, EXPIRE, TERMINATE = "renew", "retry", "at once", "expire", "terminate"
CONVERT = "convert"
MONTH_END, LEAVE, RELEASE, REMIND = "month end", "leave", "release", "remind"
NOTICE_RENEWAL, NOTICE_EXPIRING = "notice_renewal", "notice_expiring"
NOTICE_TRIAL_ENDING = "notice_trial_ending"
ORDER = {
    MONTH_END: 0,
    RENEW: 1,
    RETRY: 1,
    AT_ONCE: 1,
    CONVERT: 2,
    EXPIRE: 3,
    TERMINATE: 4,
    LEAVE: 5,
    RELEASE: 5,
    REMIND: 6,
    NOTICE_RENEWAL: 7,
    NOTICE_EXPIRING: 7,
    NOTICE_TRIAL_ENDING: 7,
}
"""The order of actions within an account (Rule 1.7)."""

REFUSED_IN = {
    "recover": {"ACTIVE": "6.1", "trial, ACTIVE": "6.1", "EXPIRED": "6.1", "trial, EXPIRED": "6.1"},
    "extend": {"trial, ACTIVE": "4.3", "EXPIRED": "6.2", "trial, EXPIRED": "6.2"},
    "reactivate": {
        "ACTIVE": "7",
        "ACTIVE, failed": "7",
        "trial, ACTIVE": "7",
        "trial, EXPIRED": "4.3",
    },
    "convert": {"ACTIVE": "4.3", "ACTIVE, failed": "4.3", "EXPIRED": "4.3"},
    "unsubscribe": {"EXPIRED": "8.1", "trial, EXPIRED": "8.1"},
    "resubscribe": {"EXPIRED": "8.1", "trial, EXPIRED": "8.1"},
    "terminate": {},
    "change_plan": {"trial, ACTIVE": "4.3", "EXPIRED": "9", "trial, EXPIRED": "4.3"},
    "set_addon": {"trial, ACTIVE": "4.3", "EXPIRED": "9", "trial, EXPIRED": "4.3"},
    "add_number": {"trial, ACTIVE": "4.3", "EXPIRED": "9", "trial, EXPIRED": "4.3"},
    "remove_number": {"trial, ACTIVE": "4.3", "EXPIRED": "9", "trial, EXPIRED": "4.3"},
    "swap_number": {"trial, ACTIVE": "4.3", "EXPIRED": "9", "trial, EXPIRED": "4.3"},
    "change_cycle": {"trial, ACTIVE": "4.3", "EXPIRED": "9", "trial, EXPIRED": "4.3"},
    "change_owner": {"trial, ACTIVE": "4.3", "trial, EXPIRED": "4.3"},
}
"""The table of Rule 2: the refused commands, with the rule. TERMINATED is always Rule 2."""

WHILE_SUSPENDED = ("resume", "terminate", "top_up", "pay_invoice", "set_card", "set")
"""The commands that a suspended account accepts (Rule 11.8)."""

FILLED_IN: dict[str, dict[str, Any]] = {
    "purchase": {
        "quantity": 1,
        "multiplier": 1,
        "addons": {},
        "numbers": [],
        "pay": "credits",
        "legacy": False,
        "align": False,
        "discount": 0,
        "discount_cycles": 1,
    },
    "change_plan": {"when": "now"},
    "set_addon": {"when": "now"},
    "add_number": {"when": "now", "hold": "normal"},
    "remove_number": {"when": "now"},
}
"""The defaults of fields that a step leaves out (Rule 4.2)."""

Document = Mapping[str, Any]


class Refused(Exception):
    """A command was refused. The argument is the number of the rule."""


# --- days and instants (Rules 1.1 to 1.4) ---------------------------------------------------------


@cache
def first_instant(day: date, zone: str) -> datetime:
    """The first instant whose local date is this day or a later one.

    No zone is more than 15 hours ahead of UTC. Since 1972, the days of the zones of the tests begin
    at whole five minutes.
    """
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while instant.astimezone(ZoneInfo(zone)).date() < day:
        instant += timedelta(minutes=5)
    return instant


def day_of(instant: datetime, zone: str) -> date:
    """The last day that has begun. It stays, even if the clock goes back over midnight later."""
    day = instant.astimezone(ZoneInfo(zone)).date()
    while first_instant(day + DAY, zone) <= instant:
        day += DAY
    return day


def months_after(day: date, months: int) -> date:
    """The same day `months` later, clamped to the month's length."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def instant_of(text: str, zone: str) -> datetime:
    """The instant of a text: the first instant of a date in the zone, or a text with an offset."""
    return (
        first_instant(date.fromisoformat(text), zone)
        if len(text) == len("2020-11-16")
        else datetime.fromisoformat(text).astimezone(UTC)
    )


# --- money (Rule 3.2) -----------------------------------------------------------------------------


def rounded(amount: Fraction, currency: str) -> Fraction:
    """The amount rounded half up to the minor unit. Amounts here are never negative."""
    unit = Fraction(1, 10 ** MINOR_UNITS[currency])
    return math.floor(amount / unit + Fraction(1, 2)) * unit


def written(amount: Fraction, currency: str) -> str:
    """The amount as text, with the decimals of the minor unit. More decimals follow if not zero."""
    assert (amount * 10**5).denominator == 1, f"{amount} has more than 5 decimals"
    whole, rest = divmod(int(abs(amount) * 10**5), 10**5)
    decimals = f"{rest:05}".rstrip("0").ljust(MINOR_UNITS[currency], "0")
    return ("-" if amount < 0 else "") + str(whole) + ("." + decimals if decimals else "")


# --- catalogue, accounts, subscriptions -----------------------------------------------------------


class Catalog:
    """What is sold. A SKU has a first entry and later versions (Rules 3.1, 3.5)."""

    def __init__(self, entries: list[Document]) -> None:
        self._entries = sorted(entries, key=lambda entry: entry.get("from", ""))

    def months(self, sku: str) -> int:
        """The months of the base cycle of a SKU."""
        return next(
            int(entry["months"])
            for entry in self._entries
            if entry["sku"] == sku and "months" in entry
        )

    def price(self, sku: str, currency: str, on: date) -> Fraction | None:
        """The price in the currency that is in force on this day. None if there is none."""
        named = [
            entry["prices"][currency]
            for entry in self._in_force(sku, on)
            if currency in entry.get("prices", {})
        ]
        return Fraction(named[-1]) if named else None

    def cost(self, sku: str, currency: str, on: date) -> Fraction:
        """What the seller pays for a SKU on this day, zero if that is not known."""
        named = [
            entry["costs"][currency]
            for entry in self._in_force(sku, on)
            if currency in entry.get("costs", {})
        ]
        return Fraction(named[-1]) if named else Fraction(0)

    def activation_fee(self, sku: str, currency: str, on: date) -> Fraction:
        """The activation fee of a number on this day. Zero if there is none."""
        named = [
            entry["activation_fee"][currency]
            for entry in self._in_force(sku, on)
            if currency in entry.get("activation_fee", {})
        ]
        return rounded(Fraction(named[-1]), currency) if named else Fraction(0)

    def kind(self, sku: str) -> str:
        """The kind of a SKU."""
        return next(
            str(entry["kind"]) for entry in self._entries if entry["sku"] == sku and "kind" in entry
        )

    def application(self, sku: str) -> tuple[str, str]:
        """What has one trial for each account: the application, or the SKU if it has none."""
        named = [e["application"] for e in self._entries if e["sku"] == sku and "application" in e]
        return ("application", named[0]) if named else ("sku", sku)

    def trial_days(self, sku: str, on: date) -> int | None:
        """The length of a trial that starts on this day. None if there is no trial."""
        named = [entry["trial_days"] for entry in self._in_force(sku, on) if "trial_days" in entry]
        return int(named[-1]) if named else None

    def refundable(self, sku: str, on: date) -> bool:
        """Whether the SKU can be refunded on this day. Default: yes."""
        named = [entry["refundable"] for entry in self._in_force(sku, on) if "refundable" in entry]
        return bool(named[-1]) if named else True

    def _in_force(self, sku: str, on: date) -> list[Document]:
        return [
            entry
            for entry in self._entries
            if entry["sku"] == sku and entry.get("from", "") <= str(on)
        ]


@dataclass
class Account:
    """A customer and its wallet."""

    id: str
    currency: str
    zone: str
    balance: Fraction
    limit: Fraction
    card: str
    renew_by_card: bool
    suspended: bool = False
    postpaid: bool = False
    unbilled: Fraction = Fraction(0)
    auto_top_up: bool = False
    last_top_up: Fraction | None = None
    topped_up: dict[date, Fraction] = field(default_factory=dict)
    tried: set[tuple[str, str]] = field(default_factory=set)

    @property
    def usable(self) -> Fraction:
        """What may be spent (Rules 11.1, 11.6)."""
        if self.postpaid:
            return self.limit - self.unbilled + max(Fraction(0), self.balance + self.unbilled)
        return self.balance + self.limit


class Contents(NamedTuple):
    """What a cycle holds. The add-ons are pairs of SKU and quantity, in order.

    The numbers are pairs of number and SKU, in order.
    """

    sku: str
    quantity: int
    addons: tuple[tuple[str, int], ...]
    multiplier: int
    numbers: tuple[tuple[str, str], ...] = ()

    def with_number(self, number: str, sku: str) -> "Contents":
        """The same with a number."""
        return self._replace(numbers=tuple(sorted((dict(self.numbers) | {number: sku}).items())))

    def without_number(self, number: str) -> "Contents":
        """The same without a number."""
        return self._replace(numbers=tuple(it for it in self.numbers if it[0] != number))

    def with_other(self, number: str, to: str) -> "Contents":
        """The same with another number in place of one that it may have."""
        sku = dict(self.numbers).get(number)
        return self.without_number(number).with_number(to, sku) if sku else self

    def with_addon(self, sku: str, quantity: int) -> "Contents":
        """The same with another quantity of an add-on."""
        addons = dict(self.addons) | {sku: quantity}
        return self._replace(addons=tuple(sorted((sku, n) for sku, n in addons.items() if n)))


@dataclass
class Period:
    """A paid cycle, or the days of a trial.

    `months`: the months that a refund counts. A trial has none.
    `paid`: the money from wallets by account, prorated charges as well. Who paid first is first.
    `holds`: what it holds from today on.
    `charged_months`: the months that a line is charged for.
    `days`: the days of its scheduled cycle.
    `discount`: percent off its lines.
    """

    start: date
    last_day: date
    months: int
    paid: dict[str, Fraction]
    holds: Contents
    charged_months: Fraction
    days: int
    discount: Fraction


@dataclass
class Subscription:
    """A subscription with *A*, *M* and *E* of Rule 1.3, and what has happened since *E* was set.

    `next`: what the next paid cycle holds.
    `anchor`, `months_paid`: *A* and *M*.
    `contract`: as_incurred or milestone.
    `trial_ends`: the last day of a trial that is not converted.
    `notices`: the notices that are still to come, with their instants.
    `noticed`: the notices of this *E* whose instant has come.
    `at_once`: the instant of an attempt that must be made at once (Rule 5.7).
    `attempted`: the instant of the last attempt to renew.
    `expired_on`: the day on which it was marked EXPIRED.
    `terminated_on`: the day on which it was TERMINATED.
    """

    id: str
    account: Account
    next: Contents
    legacy: bool
    align: bool
    discount: Fraction
    discount_cycles: int
    anchor: date
    months_paid: int = 0
    contract: str | None = None
    trial_ends: date | None = None
    status: str = ACTIVE
    auto_renew: bool = True
    failed: bool = False
    cycles_paid: int = 0
    periods: list[Period] = field(default_factory=list)
    notices: dict[str, datetime] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)
    at_once: datetime | None = None
    attempted: datetime | None = None
    expired_on: date | None = None
    terminated_on: date | None = None

    @property
    def expiry(self) -> date:
        """*E*."""
        if self.trial_ends is not None:
            return self.trial_ends
        return months_after(self.anchor, self.months_paid) - DAY


@dataclass
class Number:
    """A number that is in use or held. A number that is neither is not kept (Rule 10).

    `kind`: normal, ported_in or byoi.
    `subscription`: the subscription that it is in use by, or held for.
    `account`: whose it is.
    `waits`: it was added at renewal, and is priced from the next paid cycle on.
    `fee_due`: its activation fee is charged with that cycle.
    `leaves`: it was removed at renewal, and leaves with the next paid cycle.
    `dropped`: the first day of the paid cycle that it is no longer part of.
    `held_until`: the last day of its hold. None while it is in use.
    `remind_at`: the instant of its reminder.
    """

    number: str
    sku: str
    kind: str
    subscription: Subscription
    account: Account
    waits: bool = False
    fee_due: bool = False
    leaves: bool = False
    dropped: date | None = None
    held_until: date | None = None
    after_expiry: bool = False
    remind_at: datetime | None = None

    @property
    def leaves_on(self) -> date | None:
        """The day on which it is given back, as far as it is known."""
        return None if self.waits or self.held_until else self.dropped


class Activation(NamedTuple):
    """Activation fees that are charged together: the number and the amount of each."""

    fees: list[tuple[str, Fraction]]

    @property
    def sum(self) -> Fraction:
        """What they cost together."""
        return sum((fee for _, fee in self.fees), Fraction(0))


class Due(NamedTuple):
    """An automatic action that is due. Its fields sort it in the order of Rule 1.7.

    `id`: the subscription, the number or the account that acts.
    """

    at: datetime
    account: str
    order: int
    renewal_date: date
    id: str
    what: str


def play(document: Document) -> dict[str, Any]:
    """The result of a scenario: subscriptions, accounts, timeline, invoices and refusals."""
    story = Story(document)
    story.play()
    return {
        "subscriptions": {
            id_: story.state(subscription)
            for id_, subscription in sorted(story.subscriptions.items())
        },
        "accounts": {id_: story.wallet(account) for id_, account in sorted(story.accounts.items())},
        "timeline": story.timeline(),
        "invoices": story.invoices,
        "refused": story.refused,
    }


class Story:
    """A scenario while it runs."""

    def __init__(self, document: Document) -> None:
        self.policy = POLICY | dict(document.get("policy", {}))
        self.catalog = Catalog(document["catalog"])
        self.accounts = {
            account["id"]: Account(
                account["id"],
                account["currency"],
                account["timezone"],
                Fraction(account.get("credits", 0)),
                Fraction(account.get("credit_limit", 0)),
                account.get("card", "none"),
                account.get("renew_by_card", False),
                postpaid=account.get("mode") == "postpaid",
                auto_top_up=account.get("auto_top_up", False),
            )
            for account in document["accounts"]
        }
        self.steps: list[Document] = document["steps"]
        self.until: str = document["until"]
        self.subscriptions: dict[str, Subscription] = {}
        self.events: list[tuple[datetime, dict[str, Any]]] = []
        self.invoices: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.numbers: dict[str, Number] = {}
        self.given_back: dict[str, tuple[datetime, str]] = {}
        self.waiting: list[tuple[str, date, Fraction, bool]] = []
        credits_ = document.get("seller", {}).get("credits", {})
        self.seller = {currency: Fraction(amount) for currency, amount in credits_.items()}
        self.owner_so_far: dict[str, Account] = {}
        self.done: dict[str, Document] = {}
        self.clock = datetime.min.replace(tzinfo=UTC)

    def play(self) -> None:
        """Run all steps, then let time pass up to the end."""
        for number, step in enumerate(self.steps, start=1):
            self.take(step, number)
        self.let_time_pass(max(map(self.end, self.accounts.values())))

    def take(self, step: Document, number: int) -> None:
        """Run a step: the actions that are due before it, its command, and what that sets off.

        If the step is an outage, let the outage pass.
        """
        now = instant_of(step["at"], self.zone_of(step))
        self.let_time_pass(now)
        self.clock = now
        if step["do"] == "outage":
            self.clock = instant_of(step["until"], "UTC")
            self.catch_up(self.clock)
            return
        before = self.balances()
        try:
            self.command(step, now)
            self.look_at_top_ups(before, now)
        except Refused as refused:
            zone = ZoneInfo(self.actor_of(step).zone)
            at = now.astimezone(zone).isoformat()
            self.refused.append({"at": at, "step": number, "do": step["do"], "rule": str(refused)})
        if step["do"] == "change_owner":
            self.owner_so_far[step["id"]] = self.accounts[step["account"]]
        self.let_time_pass(now)

    def zone_of(self, step: Document) -> str:
        """The zone in which a step's dates are read: of the account that it names, or its owner's.

        The owner is that of the steps so far. The first purchase or trial with an id makes the
        first owner.
        """
        if step["do"] in ("purchase", "trial"):
            self.owner_so_far.setdefault(step["id"], self.accounts[step["account"]])
        if step["do"] == "outage":
            return "UTC"
        named = step.get("account")
        return self.accounts[named].zone if named else self.owner_so_far[step["id"]].zone

    def actor_of(self, step: Document) -> Account:
        """The account that acts: the owner so far, or the account of a step on an account."""
        on_subscription = step["do"] in REFUSED_IN
        return self.owner_so_far[step["id"]] if on_subscription else self.accounts[step["account"]]

    def end(self, account: Account) -> datetime:
        """The instant at which the story ends in the zone of the account."""
        return instant_of(self.until, account.zone)

    # --- automatic actions ---

    def let_time_pass(self, now: datetime) -> None:
        """Run all actions that are due by now, each when it is due. Stop at the story's end."""
        self.do_what_is_due(until=lambda account: min(now, self.end(account)))

    def catch_up(self, now: datetime) -> None:
        """Run all overdue actions after an outage, in their order, dated now (Rule 13)."""
        self.do_what_is_due(until=lambda account: now, done_at=now)

    def do_what_is_due(
        self, until: Callable[[Account], datetime], done_at: datetime | None = None
    ) -> None:
        """Run one action after the other. Each may cause others or cancel them.

        What a change of owner has made late is done at the instant of the change.
        """
        while due := [
            each for each in self.all_coming() if each.at <= until(self.accounts[each.account])
        ]:
            first = min(due)
            at = done_at or max(first.at, self.clock)
            before = self.balances()
            if first.what == MONTH_END:
                self.invoice_month(self.accounts[first.id], at)
            elif first.what in (LEAVE, RELEASE, REMIND):
                self.act_on_number(first.what, self.numbers[first.id], first.at, at)
            else:
                self.act(first.what, self.subscriptions[first.id], at)
            self.look_at_top_ups(before, at)

    def balances(self) -> dict[str, Fraction]:
        """The balance of each account."""
        return {id_: account.balance for id_, account in self.accounts.items()}

    def look_at_top_ups(self, before: Mapping[str, Fraction], now: datetime) -> None:
        """Top up by card where the balance was lowered to a fifth of the last top-up (11.2)."""
        for id_, balance in before.items():
            account = self.accounts[id_]
            while account.balance < balance and self.is_low(account, now):
                balance = account.balance
                assert account.last_top_up is not None
                if account.card == "declined":
                    self.tell(now, account, "card_declined")
                    break
                today = day_of(now, account.zone)
                sum_ = account.topped_up.get(today, Fraction(0)) + account.last_top_up
                account.topped_up[today] = sum_
                self.add_credits(account, "auto_topped_up", account.last_top_up, now)
                self.heal(account, now)

    def is_low(self, account: Account, now: datetime) -> bool:
        """Whether an automatic top-up is due."""
        last, card = account.last_top_up, account.card != "none"
        if last is None or not account.auto_top_up or not card:
            return False
        if account.suspended or account.postpaid or account.balance * 5 > last:
            return False
        cap = self.policy["auto_top_up_daily_cap"].get(account.currency)
        sum_ = account.topped_up.get(day_of(now, account.zone), Fraction(0)) + last
        return cap is None or sum_ <= Fraction(cap)

    def all_coming(self) -> Iterator[Due]:
        """All automatic actions ahead: of subscriptions, of numbers, and at the ends of months."""
        for subscription in self.subscriptions.values():
            yield from self.coming(subscription)
        for number in self.numbers.values():
            yield from self.coming_of_number(number)
        for id_, month, *_ in self.waiting:
            at = first_instant(months_after(month, 1), self.accounts[id_].zone)
            yield Due(at, id_, ORDER[MONTH_END], date.min, id_, MONTH_END)

    def coming_of_number(self, number: Number) -> Iterator[Due]:
        """What a number does by itself (Rules 10.1, 10.2)."""

        def due(at: datetime, what: str) -> Due:
            return Due(at, number.account.id, ORDER[what], date.min, number.number, what)

        if number.leaves_on is not None:
            yield due(first_instant(number.leaves_on, number.account.zone), LEAVE)
        if number.remind_at is not None:
            yield due(number.remind_at, REMIND)
        elif number.held_until is not None:
            yield due(first_instant(number.held_until + DAY, number.account.zone), RELEASE)

    def coming(self, subscription: Subscription) -> Iterator[Due]:
        """All automatic actions ahead of a subscription, if no command changes it.

        See Rules 1.5, 5.4 and 5.7.
        """

        def due(at: datetime, what: str) -> Due:
            renewal_date = (
                self.renewal_date(subscription) if ORDER[what] == ORDER[RENEW] else date.min
            )
            return Due(
                at, subscription.account.id, ORDER[what], renewal_date, subscription.id, what
            )

        zone = subscription.account.zone
        if subscription.status == ACTIVE:
            over = first_instant(subscription.expiry + DAY, zone)
            if subscription.trial_ends is not None:
                converts = subscription.auto_renew and self.policy["trial_end"] == "convert"
                yield due(over, CONVERT if converts else EXPIRE)
            else:
                if subscription.auto_renew:
                    yield from (due(at, what) for at, what in self.attempts(subscription))
                yield due(over, EXPIRE)
        if subscription.status == EXPIRED:
            assert subscription.expired_on is not None
            yield due(
                first_instant(
                    subscription.expired_on + timedelta(days=self.policy["reactivation_days"]), zone
                ),
                TERMINATE,
            )
        for what, at in subscription.notices.items():
            yield due(at, what)

    def attempts(self, subscription: Subscription) -> Iterator[tuple[datetime, str]]:
        """The attempts to renew that are ahead."""
        zone, renewal_date = subscription.account.zone, self.renewal_date(subscription)
        if subscription.at_once is not None:
            yield subscription.at_once, AT_ONCE
        elif subscription.attempted is None:
            yield first_instant(renewal_date, zone), RENEW
        else:
            retries = [
                first_instant(renewal_date + timedelta(days=days), zone)
                for days in self.policy["retry_days"]
            ]
            yield from ((at, RETRY) for at in retries if at > subscription.attempted)

    def act(self, what: str, subscription: Subscription, now: datetime) -> None:
        """Run an action."""
        if what in (RENEW, RETRY, AT_ONCE):
            self.attempt(subscription, what, now)
        elif what == CONVERT:
            self.end_trial(subscription, now)
        elif what == EXPIRE:
            self.expire(subscription, now)
        elif what == TERMINATE:
            self.end_for_good(subscription, now)
        else:
            self.notify(subscription, what, now)

    def attempt(self, leader: Subscription, what: str, now: datetime) -> None:
        """Renew a group, or mark it as failed (Rules 5.1 to 5.4, 13)."""
        if not self.may_be_attempted(leader, now):
            leader.at_once, leader.attempted = None, now
            return
        members = [
            member for member in self.group(leader, what) if self.may_be_attempted(member, now)
        ]
        fees = {member.id: self.renewal_lines(member, now) for member in members}
        payers = [member for member in members if member.contract != "milestone"]
        needed = sum((total(fees[member.id]) for member in payers), Fraction(0))
        needed += sum((self.activation(m, self.renewal_date(m)).sum for m in payers), Fraction(0))
        costs = {m.id: self.cycle_cost(m, now) for m in members}
        cost = sum(costs.values(), Fraction(0))
        failure = self.fund(leader.account, needed, now, cost)
        for member in members:
            if failure is None:
                self.renew(member, fees[member.id], now)
            else:
                self.fail(member, failure, now)

    def may_be_attempted(self, subscription: Subscription, now: datetime) -> bool:
        """Whether a renewal may be attempted (Rules 1.5, 13).

        It may be attempted up to *E*. Later only a first attempt is allowed, within the days of
        late renewals.
        """
        today = day_of(now, subscription.account.zone)
        latest = subscription.expiry + timedelta(days=self.policy["late_renewal_days"])
        return today <= subscription.expiry or (
            today <= latest and not subscription.failed and not subscription.account.suspended
        )

    def group(self, leader: Subscription, what: str) -> list[Subscription]:
        """The subscriptions that are funded together, by id (Rules 5.2, 5.7)."""
        if what == AT_ONCE or self.policy["group_renewal"] == "independent":
            return [leader]

        def belongs(other: Subscription) -> bool:
            if (
                other.status != ACTIVE
                or other.trial_ends is not None
                or not other.auto_renew
                or self.renewal_date(other) != self.renewal_date(leader)
            ):
                return False
            return (
                other.failed if what == RETRY else other.attempted is None and other.at_once is None
            )

        return [
            other for other in self.of_account(leader.account) if other is leader or belongs(other)
        ]

    def fund(
        self, account: Account, amount: Fraction, now: datetime, cost: Fraction = Fraction(0)
    ) -> str | None:
        """Make sure that usable credits cover an amount, if needed by the card (Rules 5.3, 5.6).

        Returns the reason if they do not, else None.
        """
        if account.suspended:
            return "suspended"
        if not self.seller_can_pay(account, cost):
            return "no_credits"
        if amount == 0 or account.usable >= amount:
            return None
        has_card = account.renew_by_card and account.card != "none"
        if account.usable < 0 or not has_card or account.postpaid:
            return "no_credits"
        if account.card == "declined":
            self.tell(now, account, "card_declined")
            return "card_declined"
        account.balance += amount
        self.tell(now, account, "card_charged", amount=amount)
        self.invoice(account, "individual", [amount], now)
        return None

    def renew(self, subscription: Subscription, lines: list[Fraction], now: datetime) -> None:
        """Start the next cycle. It is funded already. It may end with a month (Rule 5.5)."""
        step = unpaid(subscription)
        self.pay_cost(subscription.account, self.cycle_cost(subscription, now), "")
        activation = self.activation(subscription, self.renewal_date(subscription))
        if self.aligns(subscription, day_of(now, subscription.account.zone)):
            start, left_over = subscription.expiry + DAY, self.left_over(subscription)
            months = self.cycle_months(subscription.next)
            charged = months + left_over
            first = months_after(subscription.expiry.replace(day=1), months + 1)
            subscription.anchor, subscription.months_paid = first, 0
            paid = paid_by_wallet(lines, step)
            self.add_period(subscription, start, months + 1, paid, charged)
        else:
            self.add_cycle(subscription, paid_by_wallet(lines, step))
        self.charge(subscription, "renewed", lines, now, step, activation)

    def fail(self, subscription: Subscription, reason: str, now: datetime) -> None:
        """Mark the renewal as failed. After *E* it expires at once (Rules 5.4, 13)."""
        subscription.failed, subscription.attempted, subscription.at_once = True, now, None
        self.tell(now, subscription.account, "renewal_failed", subscription, reason=reason)
        if day_of(now, subscription.account.zone) > subscription.expiry:
            self.expire(subscription, now)

    def expire(self, subscription: Subscription, now: datetime) -> None:
        """Mark it as EXPIRED. Day 1 is E + 1, also if that day does not exist in the zone.

        If it is done later, day 1 is today.
        """
        zone, day_1 = subscription.account.zone, subscription.expiry + DAY
        in_time = day_of(now, zone) == day_of(first_instant(day_1, zone), zone)
        subscription.expired_on = day_1 if in_time else day_of(now, zone)
        subscription.status, subscription.failed = EXPIRED, False
        self.tell(now, subscription.account, "expired", subscription)
        for number in self.in_use_by(subscription):
            number.fee_due = False
            if number.kind != "byoi":
                self.given_back.pop(number.number, None)
                self.hold(number, "expired", subscription.expired_on - DAY, now)
                number.after_expiry = True

    def end_trial(self, trial: Subscription, now: datetime) -> None:
        """Charge the first cycle, by card if need be. If that fails, it expires (Rule 4.3)."""
        lines = self.fee_lines(trial, day_of(now, trial.account.zone))
        if self.fund(trial.account, total(lines), now) is None:
            self.begin_to_pay(trial, lines, now, {})
        else:
            self.expire(trial, now)

    def end_for_good(
        self, subscription: Subscription, now: datetime, reason: str | None = None
    ) -> None:
        """Mark it as TERMINATED, by command or on day 29."""
        subscription.status, subscription.failed = TERMINATED, False
        subscription.terminated_on = day_of(now, subscription.account.zone)
        self.tell(now, subscription.account, "terminated", subscription, reason=reason)
        for number in self.bound_to(subscription):
            if number.held_until is None:
                self.give_back(number, "terminated", subscription.terminated_on, now)
            else:
                self.given_back[number.number] = (now, number.account.id)

    def notify(self, subscription: Subscription, notice: str, now: datetime) -> None:
        """Send a notice if it is still true (Rules 12, 13)."""
        del subscription.notices[notice]
        subscription.noticed.add(notice)
        zone = subscription.account.zone
        if notice == NOTICE_RENEWAL:
            ahead = now < first_instant(self.renewal_date(subscription), zone)
            true = ahead and subscription.auto_renew and not subscription.account.suspended
        else:
            true = day_of(now, zone) <= subscription.expiry
            if notice == NOTICE_EXPIRING:
                true = true and not subscription.auto_renew
        if true and subscription.status == ACTIVE:
            self.tell(now, subscription.account, notice, subscription)

    # --- commands, each after the checks of Rule 2 in their order ---

    def command(self, step: Document, now: datetime) -> None:
        """Run a command. Raises `Refused` with the rule that refuses it."""
        do, request_id = step["do"], step.get("request_id")
        means = FILLED_IN.get(do, {}) | {
            key: value for key, value in step.items() if key not in ("at", "request_id")
        }
        if request_id in self.done:
            if self.done[request_id] != means:
                raise Refused("4.2")
            return
        subscription = self.subscriptions.get(step.get("id", "")) if do in REFUSED_IN else None
        account = subscription.account if subscription else self.actor_of(step)
        if account.suspended and do not in WHILE_SUSPENDED:
            raise Refused("11.8")
        if do == "change_owner" and self.accounts[step["account"]].suspended:
            raise Refused("11.8")
        if do in REFUSED_IN:
            if subscription is None:
                raise Refused("4.1")
            self.command_on_subscription(step, subscription, now)
        else:
            self.command_on_account(step, account, now)
        if request_id is not None:
            self.done[request_id] = means

    def command_on_subscription(
        self, step: Document, subscription: Subscription, now: datetime
    ) -> None:
        """Run a command that the table of Rule 2 lists."""
        do, status = step["do"], subscription.status
        step = dict(step) | unpaid(subscription)
        if status == TERMINATED:
            raise Refused("2")
        if subscription.trial_ends is not None:
            status = f"trial, {status}"
        if rule := REFUSED_IN[do].get("ACTIVE, failed" if subscription.failed else status):
            raise Refused(rule)
        match do:
            case "recover":
                self.recover(subscription, step, now)
            case "extend" if "to" in step:
                self.extend_to(subscription, date.fromisoformat(step["to"]), step, now)
            case "extend":
                self.extend(subscription, step["cycles"], step, now)
            case "convert":
                self.convert(subscription, step, now)
            case "reactivate":
                self.reactivate(subscription, step, now)
            case "terminate":
                self.terminate(subscription, step, now)
            case "change_owner":
                self.change_owner(subscription, self.accounts[step["account"]], now)
            case "add_number":
                self.add_number(subscription, FILLED_IN[do] | dict(step), now)
            case "remove_number":
                self.remove_number(subscription, FILLED_IN[do] | dict(step), now)
            case "swap_number":
                self.swap_number(subscription, step, now)
            case "change_plan" | "set_addon" | "change_cycle":
                self.change(subscription, FILLED_IN.get(do, {}) | dict(step), now)
            case _:
                self.switch(subscription, do, now)

    def command_on_account(self, step: Document, account: Account, now: datetime) -> None:
        """Run one of the other commands. A purchase or trial has no subscription yet."""
        match step["do"]:
            case "purchase":
                self.purchase(account, FILLED_IN["purchase"] | dict(step), now)
            case "trial":
                self.trial(account, step, now)
            case "top_up":
                if account.postpaid:
                    raise Refused("11.6")
                account.last_top_up = Fraction(step["amount"])
                self.add_credits(account, "topped_up", account.last_top_up, now)
                self.heal(account, now)
            case "usage":
                self.spend(account, "usage", Fraction(step["amount"]), "11.1", now, monthly=True)
            case "adjust" if Fraction(step["amount"]) > 0:
                account.balance += Fraction(step["amount"])
                self.tell(now, account, "adjusted", amount=Fraction(step["amount"]))
            case "adjust":
                self.spend(account, "adjusted", -Fraction(step["amount"]), "11.9", now)
            case "transfer":
                other, amount = self.accounts[step["to"]], Fraction(step["amount"])
                if other is account or other.currency != account.currency:
                    raise Refused("11.9")
                self.spend(account, "transferred", amount, "11.9", now)
                other.balance += amount
                self.tell(now, other, "transferred", amount=amount)
                self.heal(other, now)
            case "pay_invoice":
                if not account.postpaid:
                    raise Refused("11.6")
                account.balance += Fraction(step["amount"])
                self.tell(now, account, "paid", amount=Fraction(step["amount"]))
            case "set_card":
                account.card = step["card"]
            case "set":
                self.switch_mode(account, step, now)
                account.limit = Fraction(step.get("credit_limit", account.limit))
                account.renew_by_card = step.get("renew_by_card", account.renew_by_card)
                account.auto_top_up = step.get("auto_top_up", account.auto_top_up)
            case "suspend":
                account.suspended = True
                self.tell(now, account, "account_suspended")
            case "resume":
                if not account.suspended:
                    raise Refused("11.8")
                account.suspended = False
                self.tell(now, account, "account_resumed")
            case other:
                raise NotImplementedError(other)

    def spend(
        self,
        account: Account,
        event: str,
        amount: Fraction,
        rule: str,
        now: datetime,
        *,
        monthly: bool = False,
    ) -> None:
        """Take an amount from the wallet, if usable covers it. `monthly`: it is invoiced then."""
        if account.usable < amount:
            raise Refused(rule)
        account.balance -= amount
        if monthly or account.postpaid:
            self.wait(account, amount, now)
        self.tell(now, account, event, amount=-amount)

    def wait(self, account: Account, amount: Fraction, now: datetime) -> None:
        """An amount waits for the invoice of the month (Rules 11.4, 11.6)."""
        if amount:
            month = day_of(now, account.zone).replace(day=1)
            self.waiting.append((account.id, month, amount, account.postpaid))
            account.unbilled += amount if account.postpaid else 0

    def bill(self, account: Account, lines: list[Fraction], now: datetime) -> None:
        """Invoice lines that the wallet has paid: now, or at the end of the month (Rule 11.6)."""
        if account.postpaid:
            for line in lines:
                self.wait(account, line, now)
        else:
            self.invoice(account, "individual", lines, now)

    def switch_mode(self, account: Account, step: Document, now: datetime) -> None:
        """Make an account prepaid or postpaid (Rule 11.6)."""
        postpaid = step.get("mode", "postpaid" if account.postpaid else "prepaid") == "postpaid"
        if postpaid == account.postpaid:
            return
        if postpaid and not Fraction(step.get("credit_limit", account.limit)):
            raise Refused("11.6")
        if not postpaid and (account.unbilled or account.balance < 0):
            raise Refused("11.6")
        account.postpaid = postpaid
        if postpaid and account.balance < 0:
            self.wait(account, -account.balance, now)

    def seller_can_pay(self, account: Account, cost: Fraction) -> bool:
        """Whether the seller's own wallet covers a cost (Rule 11.5)."""
        covers = self.seller.get(account.currency, Fraction(0)) >= cost
        return covers or not cost or not self.policy["seller_wallet"]

    def pay_cost(self, account: Account, cost: Fraction, rule: str) -> None:
        """Take a cost from the seller's own wallet, or refuse by the rule."""
        if not self.seller_can_pay(account, cost):
            raise Refused(rule)
        if self.policy["seller_wallet"] and cost:
            self.seller[account.currency] -= cost

    def cycle_cost(self, subscription: Subscription, now: datetime) -> Fraction:
        """What the seller pays for the next cycle of a subscription."""
        today = day_of(now, subscription.account.zone)
        months = self.charged_months(subscription, today)
        return self.cost(subscription, months, self.renewal_date(subscription))

    def cost(self, subscription: Subscription, months: Fraction, on: date) -> Fraction:
        """What the seller pays for so many months of a subscription. Each line is rounded."""
        holds, currency = subscription.next, subscription.account.currency
        parts = [
            (holds.sku, holds.quantity),
            *holds.addons,
            *((sku, 1) for _, sku in holds.numbers),
        ]
        return sum(
            (
                rounded(
                    self.catalog.cost(sku, currency, on)
                    * quantity
                    * months
                    / self.catalog.months(sku),
                    currency,
                )
                for sku, quantity in parts
            ),
            Fraction(0),
        )

    def purchase(self, account: Account, step: Document, now: datetime) -> None:
        """Buy a subscription (Rules 3.1, 3.3, 4.1, 8.3)."""
        contract = step.get("contract", "as_incurred") if step["pay"] == "contract" else None
        if contract == "milestone":
            step = dict(step) | {"invoice_number": ""}
        if step["id"] in self.subscriptions:
            raise Refused("4.1")
        if max([step["quantity"], *step["addons"].values()]) > self.policy["max_licences"]:
            raise Refused("3.3")
        months = self.catalog.months(step["sku"]) * step["multiplier"]
        if months < self.policy["min_cycle_months"]:
            raise Refused("3.1")
        for named in step["numbers"]:
            self.check_takeable(named["number"], account)
        today = day_of(now, account.zone)
        subscription = Subscription(
            step["id"],
            account,
            Contents(
                step["sku"],
                step["quantity"],
                tuple(sorted(step["addons"].items())),
                step["multiplier"],
                tuple(sorted((named["number"], named["sku"]) for named in step["numbers"])),
            ),
            step["legacy"],
            step["align"],
            Fraction(str(step["discount"])),
            step["discount_cycles"],
            anchor=today,
            contract=contract,
        )
        lines = self.fee_lines(subscription, today)
        activation = Activation(
            [
                (
                    named["number"],
                    self.catalog.activation_fee(named["sku"], account.currency, today),
                )
                for named in step["numbers"]
                if self.costs_activation(named["number"], named.get("hold", "normal"), account, now)
            ]
        )
        self.check_funds(account, [*lines, activation.sum], step, "4.1")
        self.pay_cost(account, self.cost(subscription, Fraction(months), today), "4.1")
        self.subscriptions[subscription.id] = subscription
        for named in step["numbers"]:
            kind = named.get("hold", "normal")
            self.take_number(named["number"], named["sku"], kind, subscription)
        self.add_cycle(subscription, paid_by_wallet(lines, step))
        self.charge(subscription, "purchased", lines, now, step, activation)

    def trial(self, account: Account, step: Document, now: datetime) -> None:
        """Start a trial, if the account has had none of this application (Rule 4.3)."""
        if step["id"] in self.subscriptions:
            raise Refused("4.1")
        today = day_of(now, account.zone)
        days = self.catalog.trial_days(step["sku"], today)
        application = self.catalog.application(step["sku"])
        if days is None or application in account.tried:
            raise Refused("4.3")
        last_day = today + timedelta(days=days - 1)
        trial = Subscription(
            step["id"],
            account,
            Contents(step["sku"], 1, (), 1),
            legacy=False,
            align=False,
            discount=Fraction(0),
            discount_cycles=0,
            anchor=today,
            trial_ends=last_day,
        )
        self.fee_lines(trial, today)  # Its first paid cycle needs a price.
        account.tried.add(application)
        self.subscriptions[trial.id] = trial
        free = Period(today, last_day, 0, {}, trial.next, Fraction(0), days, Fraction(0))
        trial.periods.append(free)
        trial.notices = self.notices_ahead(trial, now)
        self.tell(now, account, "trial_started", trial)

    def convert(self, trial: Subscription, step: Document, now: datetime) -> None:
        """Convert a trial by command, from credits (Rule 4.3)."""
        lines = self.fee_lines(trial, day_of(now, trial.account.zone))
        self.check_funds(trial.account, lines, step, "4.3")
        self.begin_to_pay(trial, lines, now, step)

    def begin_to_pay(
        self, trial: Subscription, lines: list[Fraction], now: datetime, step: Document
    ) -> None:
        """Start the first paid cycle: the day after the trial, or today when that is past."""
        start = max(trial.expiry + DAY, day_of(now, trial.account.zone))
        months = self.cycle_months(trial.next)
        trial.trial_ends, trial.anchor, trial.months_paid = None, start, months
        trial.status = ACTIVE
        self.add_period(trial, start, months, paid_by_wallet(lines, step), Fraction(months))
        self.charge(trial, "converted", lines, now, step)

    def recover(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Recover a failed renewal (Rule 6.1)."""
        lines = self.fee_lines(subscription, self.renewal_date(subscription))
        activation = self.activation(subscription, self.renewal_date(subscription))
        needed = total(lines) + activation.sum
        if (
            "invoice_number" not in step
            and self.fund(subscription.account, needed, now) is not None
        ):
            raise Refused("6.1")
        self.add_cycle(subscription, paid_by_wallet(lines, step))
        self.charge(subscription, "recovered", lines, now, step, activation)

    def extend(
        self, subscription: Subscription, cycles: int, step: Document, now: datetime
    ) -> None:
        """Extend by a number of cycles (Rule 6.2)."""
        today = day_of(now, subscription.account.zone)
        fees = [self.fee_lines(subscription, today, further=n) for n in range(cycles)]
        lines = [line for fee in fees for line in fee]
        activation = self.activation(subscription, today)
        self.check_funds(subscription.account, [*lines, activation.sum], step, "6.2")
        for fee in fees:
            self.add_cycle(subscription, paid_by_wallet(fee, step))
        self.charge(subscription, "extended", lines, now, step, activation)

    def extend_to(
        self, subscription: Subscription, to: date, step: Document, now: datetime
    ) -> None:
        """Extend to a date (Rule 6.2).

        It costs whole anchored months, and the left-over days of the month that they fall in.
        """
        anchor, paid = subscription.anchor, subscription.months_paid
        if to < months_after(anchor, paid + 1) - DAY:
            raise Refused("6.2")
        whole = 0
        while months_after(anchor, paid + whole + 1) - DAY <= to:
            whole += 1
        begin, end = months_after(anchor, paid + whole), months_after(anchor, paid + whole + 1)
        left_over = (to - begin).days + 1
        charged = whole + Fraction(left_over, (end - begin).days)
        today = day_of(now, subscription.account.zone)
        lines = self.fee_lines(subscription, today, charged)
        activation = self.activation(subscription, today)
        self.check_funds(subscription.account, [*lines, activation.sum], step, "6.2")
        months, start = whole + 1 if left_over else whole, subscription.expiry + DAY
        subscription.anchor, subscription.months_paid = to + DAY, 0
        self.add_period(subscription, start, months, paid_by_wallet(lines, step), charged)
        self.charge(subscription, "extended", lines, now, step, activation)

    def reactivate(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Reactivate for one fee, by as many cycles as are needed to reach today (Rule 7).

        It takes back the numbers that are still there (Rule 10.2).
        """
        today = day_of(now, subscription.account.zone)
        lines = self.fee_lines(subscription, today)
        self.check_funds(subscription.account, lines, step, "7")
        subscription.next = self.without_lost(subscription)
        for number in self.bound_to(subscription):
            number.held_until, number.remind_at, number.after_expiry = None, None, False
        months, scheduled = self.cycle_months(subscription.next), subscription.expiry + DAY
        while subscription.expiry < today:
            scheduled = subscription.expiry + DAY
            subscription.months_paid += months
        subscription.status = ACTIVE
        paid = paid_by_wallet(lines, step)
        self.add_period(subscription, today, months, paid, Fraction(months), scheduled)
        self.charge(subscription, "reactivated", lines, now, step)

    def switch(self, subscription: Subscription, do: str, now: datetime) -> None:
        """Unsubscribe or resubscribe (Rule 8.1)."""
        on = do == "resubscribe"
        if subscription.auto_renew == on:
            raise Refused("8.1")
        subscription.auto_renew = on
        self.tell(now, subscription.account, do + "d", subscription)
        if on:
            subscription.attempted = None
            self.attempt_at_once(subscription, now)

    def terminate(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Terminate and refund (Rules 8.2, 8.3)."""
        account, today = subscription.account, day_of(now, subscription.account.zone)
        self.end_for_good(subscription, now, step["reason"])
        if not self.policy["refund_allowed"]:
            return
        window = timedelta(days=self.policy["refund_window_days"])
        if subscription.contract and today - subscription.periods[0].start > window:
            return
        of_payers: dict[str, list[Fraction]] = {}
        for period in subscription.periods:
            for payer, paid in period.paid.items():
                if self.catalog.refundable(period.holds.sku, today) and (
                    refund := self.refund(period, paid, today, account.currency)
                ):
                    of_payers.setdefault(payer, []).append(refund)
        admin_fee = Fraction(self.policy["refund_admin_fee"].get(account.currency, 0))
        for payer, refunds in of_payers.items():
            kept, admin_fee = min(admin_fee, total(refunds)), Fraction(0)
            self.pay_back(self.accounts[payer], subscription, refunds, kept, now)

    def pay_back(
        self,
        payer: Account,
        subscription: Subscription,
        refunds: list[Fraction],
        kept: Fraction,
        now: datetime,
    ) -> None:
        """Give a payer its refunds back, less the administrative fee, as one credit note."""
        if back := total(refunds) - kept:
            payer.balance += back
            self.tell(now, payer, "refunded", subscription, amount=back)
            lines = [-refund for refund in refunds] + [kept] * (kept > 0)
            self.invoice(payer, "credit_note", lines, now)

    def refund(self, period: Period, paid: Fraction, today: date, currency: str) -> Fraction:
        """The refund of what one account paid for a period."""
        if period.last_day < today or paid == 0:
            return Fraction(0)
        if (today - period.start).days <= self.policy["refund_window_days"]:
            return paid
        begun = sum(months_after(period.start, month) <= today for month in range(period.months))
        return rounded(paid * (period.months - begun) / period.months, currency)

    def change_owner(self, subscription: Subscription, new: Account, now: datetime) -> None:
        """Give a subscription to another account (Rules 5.7, 9, 12)."""
        old = subscription.account
        if new is old or new.currency != old.currency:
            raise Refused("9")
        for number in self.bound_to(subscription):
            number.account = new
            if number.held_until is not None:
                number.remind_at = self.reminder(number, now)
        subscription.account = new
        self.tell(now, new, "owner_changed", subscription)
        if subscription.status != ACTIVE:
            return
        ahead = self.notices_ahead(subscription, now)
        subscription.notices = {
            notice: at for notice, at in ahead.items() if notice not in subscription.noticed
        }
        if new.zone != old.zone and subscription.auto_renew:
            self.attempt_at_once(subscription, now)
            if subscription.at_once:
                subscription.attempted = None

    def add_credits(self, account: Account, event: str, amount: Fraction, now: datetime) -> None:
        """Add the credits of a top-up."""
        account.balance += amount
        self.tell(now, account, event, amount=amount)
        self.invoice(account, "individual", [amount], now)

    def heal(self, account: Account, now: datetime) -> None:
        """Renew the failed groups that usable covers, oldest first (Rule 5.4)."""
        if account.suspended or not self.policy["retry_on_top_up"]:
            return
        failed = [
            s for s in self.of_account(account) if s.status == ACTIVE and s.failed and s.auto_renew
        ]
        failed.sort(key=lambda s: (self.renewal_date(s), s.id))
        together = self.policy["group_renewal"] == "together"
        for _, group in groupby(
            failed, key=lambda s: (self.renewal_date(s), "" if together else s.id)
        ):
            fees = [(member, self.renewal_lines(member, now)) for member in group]
            payers = [(member, lines) for member, lines in fees if member.contract != "milestone"]
            amount = sum((total(lines) for _, lines in payers), Fraction(0))
            for member, _ in payers:
                amount += self.activation(member, self.renewal_date(member)).sum
            cost = sum((self.cycle_cost(member, now) for member, _ in fees), Fraction(0))
            covered = amount == 0 or account.usable >= amount
            if covered and self.seller_can_pay(account, cost):
                for member, lines in fees:
                    self.renew(member, lines, now)

    # --- shared by commands and renewals ---

    def of_account(self, account: Account) -> list[Subscription]:
        """The subscriptions of an account, by id."""
        return sorted(
            (s for s in self.subscriptions.values() if s.account is account), key=lambda s: s.id
        )

    def renewal_date(self, subscription: Subscription) -> date:
        """The renewal date (Rule 1.5)."""
        return subscription.expiry - timedelta(
            days=self.policy[
                "legacy_renewal_lead_days" if subscription.legacy else "renewal_lead_days"
            ]
        )

    def cycle_months(self, contents: Contents) -> int:
        """The months of a cycle (Rule 3.1)."""
        return self.catalog.months(contents.sku) * contents.multiplier

    def discount(self, subscription: Subscription, further: int = 0) -> Fraction:
        """Percent off the next cycle, or off the one that comes `further` cycles after it."""
        cycles = subscription.discount_cycles
        return subscription.discount if subscription.cycles_paid + further < cycles else Fraction(0)

    def aligns(self, subscription: Subscription, today: date) -> bool:
        """Whether a renewal today moves *E* to a month end (Rule 5.5)."""
        return (
            subscription.align and today <= subscription.expiry and self.left_over(subscription) > 0
        )

    def left_over(self, subscription: Subscription) -> Fraction:
        """The days after *E* in its month, as a part of that month."""
        expiry = subscription.expiry
        days = monthrange(expiry.year, expiry.month)[1]
        return Fraction(days - expiry.day, days)

    def renewal_lines(self, subscription: Subscription, now: datetime) -> list[Fraction]:
        """The fee of an automatic renewal, at the prices of its renewal date (Rules 3.5, 5.5)."""
        today = day_of(now, subscription.account.zone)
        return self.fee_lines(
            subscription, self.renewal_date(subscription), self.charged_months(subscription, today)
        )

    def charged_months(self, subscription: Subscription, today: date) -> Fraction:
        """The months that an automatic renewal charges for."""
        months = Fraction(self.cycle_months(subscription.next))
        aligned = self.aligns(subscription, today)
        return months + self.left_over(subscription) if aligned else months

    def fee_lines(
        self,
        subscription: Subscription,
        on: date,
        months: Fraction | None = None,
        further: int = 0,
    ) -> list[Fraction]:
        """The fee of the next cycle: a line for the primary SKU, each add-on and each number.

        `on`: the day of the prices.
        `months`: what is paid for. Default: a cycle. See Rules 3.1 and 3.2.
        `further`: how many cycles are paid before it by the same command.
        """
        holds, account = self.without_lost(subscription), subscription.account
        months = Fraction(self.cycle_months(holds)) if months is None else months
        discount = self.discount(subscription, further)
        return [
            rounded(self.price(account, sku, quantity, months, discount, on), account.currency)
            for sku, quantity in [
                (holds.sku, holds.quantity),
                *holds.addons,
                *((sku, 1) for _, sku in holds.numbers),
            ]
        ]

    def price(
        self,
        account: Account,
        sku: str,
        quantity: int,
        months: Fraction,
        discount: Fraction,
        on: date,
    ) -> Fraction:
        """What a line costs, not rounded (Rules 3.1, 3.6)."""
        price = self.catalog.price(sku, account.currency, on)
        if price is None:
            raise Refused("4.1")
        return price * quantity * months / self.catalog.months(sku) * (100 - discount) / 100

    # --- changes (Rules 3.4, 9) ---

    def change(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Change the plan, an add-on or the cycle, from today on or at renewal."""
        account, today = subscription.account, day_of(now, subscription.account.zone)
        changed = self.changed_contents(subscription, step)
        at_renewal = step.get("when") != "now"
        open_ = [] if at_renewal else [p for p in subscription.periods if p.last_day >= today]
        if step["do"] == "change_plan" and not at_renewal:
            self.check_same_base(step["sku"], [period.holds.sku for period in open_])
        held = [*(period.holds for period in open_), subscription.next]
        if all(changed(holds) == holds for holds in held):
            raise Refused("9")
        months = self.cycle_months(changed(subscription.next))
        if at_renewal and step["do"] != "set_addon" and months < self.policy["min_cycle_months"]:
            raise Refused("9")
        if step["do"] != "change_cycle" and step.get("quantity", 1):
            self.price(account, step["sku"], 1, Fraction(1), Fraction(0), today)
        charges = self.prorated(account, open_, changed, step, today)
        self.check_funds(account, charges, step, "9")
        if "invoice_number" not in step:
            for period, charge in zip(open_, charges, strict=True):
                period.paid[account.id] = period.paid.get(account.id, Fraction(0)) + charge
        for period in open_:
            period.holds = changed(period.holds)
        subscription.next = changed(subscription.next)
        amount = paid_by_wallet(charges, step)
        account.balance -= amount
        event = {"change_plan": "plan_changed", "set_addon": "addon_changed"}
        told = event.get(step["do"], "cycle_changed")
        self.tell(now, account, told, subscription, amount=-amount)
        if amount:
            self.bill(account, [amount], now)

    def changed_contents(
        self, subscription: Subscription, step: Document
    ) -> Callable[[Contents], Contents]:
        """What a change makes of contents."""
        if step["do"] == "change_plan":
            return lambda holds: holds._replace(sku=step["sku"])
        if step["do"] == "set_addon":
            if step["quantity"] > self.policy["max_licences"]:
                raise Refused("3.3")
            return lambda holds: holds.with_addon(step["sku"], step["quantity"])
        base = self.catalog.months(subscription.next.sku)
        multiplier = step["multiplier"] if "multiplier" in step else Fraction(step["months"], base)
        if multiplier != int(multiplier):
            raise Refused("9")
        return lambda holds: holds._replace(multiplier=int(multiplier))

    # --- numbers (Rules 9, 10) ---

    def add_number(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Add a number. It may be in use already: to leave, or priced from a later cycle on."""
        account, today = subscription.account, day_of(now, subscription.account.zone)
        name, sku, at_renewal = step["number"], step["sku"], step["when"] == "renewal"
        open_ = [period for period in subscription.periods if period.last_day >= today]
        held = [*(period.holds for period in open_), subscription.next]
        number = self.numbers.get(name)
        if not (
            number
            and number in self.in_use_by(subscription)
            and number.sku == sku
            and not all(name in dict(holds.numbers) for holds in held)
        ):
            self.check_takeable(name, account)
            number = None
        if at_renewal:
            if number and not number.leaves and (number.waits or not number.dropped):
                raise Refused("9")
            self.price(account, sku, 1, Fraction(1), Fraction(0), today)
        due = number.fee_due if number else self.costs_activation(name, step["hold"], account, now)
        charges, activation = [Fraction(0)] * len(open_), Activation([])
        if not at_renewal:
            charges = self.prorated(
                account, open_, lambda it: it.with_number(name, sku), step, today
            )
            fee = self.catalog.activation_fee(sku, account.currency, today)
            activation = Activation([(name, fee)] if due else [])
        self.check_funds(account, [*charges, activation.sum], step, "10.1")
        number = number or self.take_number(name, sku, step["hold"], subscription)
        was_priced = name in dict(max(subscription.periods, key=lambda p: p.start).holds.numbers)
        number.waits = at_renewal and not (number.leaves and was_priced)
        number.fee_due, number.leaves = at_renewal and due, False
        if not at_renewal:
            number.dropped = None
            for period, charge in zip(open_, charges, strict=True):
                period.holds = period.holds.with_number(name, sku)
                paid = paid_by_wallet([charge], step)
                period.paid[account.id] = period.paid.get(account.id, Fraction(0)) + paid
        subscription.next = subscription.next.with_number(name, sku)
        amount = paid_by_wallet(charges, step)
        account.balance -= amount
        self.tell(now, account, "number_added", subscription, amount=-amount, number=name)
        if amount:
            self.bill(account, [amount], now)
        if "invoice_number" not in step:
            self.activate(subscription, activation, now)

    def remove_number(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Remove a number now, or with the next paid cycle."""
        today = day_of(now, subscription.account.zone)
        number = self.own_number(subscription, step["number"])
        if step["when"] == "renewal":
            if number.leaves or number.leaves_on:
                raise Refused("9")
            number.leaves = number.dropped is None
            number.waits = False
        else:
            for period in subscription.periods:
                if period.last_day >= today:
                    period.holds = period.holds.without_number(number.number)
            self.give_back(number, "terminated", today, now)
        subscription.next = subscription.next.without_number(number.number)
        self.tell(now, subscription.account, "number_removed", subscription, number=number.number)

    def swap_number(self, subscription: Subscription, step: Document, now: datetime) -> None:
        """Swap a number for another one of the same SKU, for nothing."""
        today = day_of(now, subscription.account.zone)
        old, to = self.own_number(subscription, step["number"]), step["to"]
        if step.get("sku", old.sku) != old.sku:
            raise Refused("9")
        self.check_takeable(to, subscription.account)
        new = self.take_number(to, old.sku, "normal", subscription)
        new.waits, new.leaves, new.dropped = old.waits, old.leaves, old.dropped
        self.give_back(old, "swapped", today, now)
        for period in subscription.periods:
            if period.last_day >= today:
                period.holds = period.holds.with_other(old.number, to)
        subscription.next = subscription.next.with_other(old.number, to)
        self.tell(now, subscription.account, "number_swapped", subscription, number=to)

    def own_number(self, subscription: Subscription, name: str) -> Number:
        """A number in use by a subscription."""
        for number in self.in_use_by(subscription):
            if number.number == name:
                return number
        raise Refused("9")

    def in_use_by(self, subscription: Subscription) -> list[Number]:
        """The numbers in use by a subscription."""
        return [it for it in self.bound_to(subscription) if it.held_until is None]

    def bound_to(self, subscription: Subscription) -> list[Number]:
        """The numbers in use by a subscription, and those that are held since it expired."""
        return [
            it
            for it in self.numbers.values()
            if it.subscription is subscription and (it.held_until is None or it.after_expiry)
        ]

    def without_lost(self, subscription: Subscription) -> Contents:
        """What the next cycle holds. An expired subscription may have lost numbers."""
        if subscription.status != EXPIRED:
            return subscription.next
        left = {number.number for number in self.bound_to(subscription)}
        kept = tuple(it for it in subscription.next.numbers if it[0] in left)
        return subscription.next._replace(numbers=kept)

    def check_takeable(self, name: str, account: Account) -> None:
        """Refuse a number that is in use, or held for another account (Rule 10.2)."""
        number = self.numbers.get(name)
        if number and (number.held_until is None or number.account is not account):
            raise Refused("10.2")

    def costs_activation(self, name: str, kind: str, account: Account, now: datetime) -> bool:
        """Whether the activation of a number costs its fee (Rule 10.1)."""
        if kind == "byoi":
            return False
        at, by = self.given_back.get(name, (datetime.min.replace(tzinfo=UTC), ""))
        return by != account.id or now - at > timedelta(hours=self.policy["rebuy_grace_hours"])

    def take_number(self, name: str, sku: str, kind: str, subscription: Subscription) -> Number:
        """Take a number into use."""
        self.given_back.pop(name, None)
        number = Number(name, sku, kind, subscription, subscription.account)
        self.numbers[name] = number
        return number

    def give_back(self, number: Number, why: str, day_0: date, now: datetime) -> None:
        """Give a number back. One that was brought along is gone (Rule 10.2)."""
        self.given_back[number.number] = (now, number.account.id)
        if number.kind == "byoi":
            del self.numbers[number.number]
        else:
            self.hold(number, why, day_0, now)

    def hold(self, number: Number, why: str, day_0: date, now: datetime) -> None:
        """Hold a number, with its reminder."""
        days = self.policy["number_hold_days"][number.kind][why]
        number.held_until = day_0 + timedelta(days=days)
        number.remind_at = self.reminder(number, now)

    def reminder(self, number: Number, now: datetime) -> datetime | None:
        """The instant of a reminder, if it lies ahead."""
        assert number.held_until is not None
        at = first_instant(number.held_until - timedelta(days=7), number.account.zone)
        return at if at > now else None

    def act_on_number(self, what: str, number: Number, due: datetime, now: datetime) -> None:
        """Let a number leave, remind of the end of its hold, or release it."""
        account, subscription = number.account, number.subscription
        if what == LEAVE:
            assert number.leaves_on is not None
            self.give_back(number, "terminated", number.leaves_on, due)
        elif what == REMIND:
            number.remind_at = None
            assert number.held_until is not None
            if day_of(now, account.zone) <= number.held_until:
                told = "number_hold_ending"
                self.tell(now, account, told, subscription, number=number.number)
        else:
            del self.numbers[number.number]
            self.tell(now, account, "number_released", subscription, number=number.number)

    def activation(self, subscription: Subscription, on: date) -> "Activation":
        """The activation fees that are charged with the next cycle, at the prices of a day."""
        currency = subscription.account.currency
        return Activation(
            [
                (number.number, self.catalog.activation_fee(number.sku, currency, on))
                for number in self.in_use_by(subscription)
                if number.fee_due and number.waits
            ]
        )

    def activate(self, subscription: Subscription, activation: "Activation", now: datetime) -> None:
        """Charge activation fees. They wait for the monthly invoice (Rule 10.1)."""
        account = subscription.account
        for name, fee in activation.fees:
            if fee:
                account.balance -= fee
                self.wait(account, fee, now)
                told = "activation_fee"
                self.tell(now, account, told, subscription, amount=-fee, number=name)

    def invoice_month(self, account: Account, now: datetime) -> None:
        """Make the invoice of the oldest month that waits (Rule 11.4)."""
        month = min(month for id_, month, *_ in self.waiting if id_ == account.id)
        mine = [it for it in self.waiting if it[:2] == (account.id, month)]
        self.waiting = [it for it in self.waiting if it not in mine]
        for consolidated in (False, True):
            lines = [it[2] for it in mine if it[3] == consolidated]
            if lines:
                self.tell(now, account, "invoiced")
                kind = "consolidated" if consolidated else "monthly"
                self.invoice(account, kind, lines, now, on=months_after(month, 1) - DAY)
                account.unbilled -= total(lines) if consolidated else 0

    def check_same_base(self, plan: str, held: list[str]) -> None:
        """Refuse a plan that can only change at renewal (Rule 9)."""
        for sku in [plan, *held]:
            if self.catalog.kind(sku) != "application":
                raise Refused("9")
            if self.catalog.months(sku) != self.catalog.months(plan):
                raise Refused("9")

    def prorated(
        self,
        account: Account,
        periods: list[Period],
        changed: Callable[[Contents], Contents],
        step: Document,
        today: date,
    ) -> list[Fraction]:
        """What a change costs in each period. The sum is rounded once (Rule 3.4)."""

        def line(period: Period, holds: Contents) -> Fraction:
            if step["do"] == "add_number":
                if step["number"] not in dict(holds.numbers):
                    return Fraction(0)
                months, discount = period.charged_months, period.discount
                return self.price(account, step["sku"], 1, months, discount, today)
            quantity = holds.quantity if step["do"] == "change_plan" else 0
            quantity = quantity or dict(holds.addons).get(step["sku"], 0)
            sku = holds.sku if step["do"] == "change_plan" else step["sku"]
            months, discount = period.charged_months, period.discount
            return self.price(account, sku, quantity, months, discount, today)

        exact, before, charges = Fraction(0), Fraction(0), []
        for period in periods:
            if changed(period.holds) != period.holds and step.get("quantity", 1):
                dearer = max(
                    Fraction(0), line(period, changed(period.holds)) - line(period, period.holds)
                )
                left = (period.last_day - today).days + 1
                exact += dearer * (Fraction(left, period.days) if period.start <= today else 1)
            charges.append(rounded(exact, account.currency) - before)
            before += charges[-1]
        return charges

    def check_funds(
        self, account: Account, lines: list[Fraction], step: Document, rule: str
    ) -> None:
        """Raise `Refused` if the usable credits do not cover what the wallet pays (Rule 11.1)."""
        if (amount := paid_by_wallet(lines, step)) > 0 and account.usable < amount:
            raise Refused(rule)

    def add_cycle(self, subscription: Subscription, paid: Fraction) -> None:
        """Add a paid cycle. It starts on the day after *E*."""
        start, months = subscription.expiry + DAY, self.cycle_months(subscription.next)
        subscription.months_paid += months
        self.add_period(subscription, start, months, paid, Fraction(months))

    def add_period(
        self,
        subscription: Subscription,
        start: date,
        months: int,
        paid: Fraction,
        charged_months: Fraction,
        scheduled: date | None = None,
    ) -> None:
        """Add a paid period up to *E*. It holds what was pending.

        `scheduled`: where its cycle would have begun. Default: its start.
        """
        subscription.periods.append(
            Period(
                start,
                subscription.expiry,
                months,
                {subscription.account.id: paid},
                subscription.next,
                charged_months,
                (subscription.expiry - (scheduled or start)).days + 1,
                self.discount(subscription),
            )
        )
        subscription.cycles_paid += 1
        for number in self.in_use_by(subscription):
            if number.leaves:
                number.leaves, number.dropped = False, start
            elif number.waits:
                number.waits, number.dropped = False, None
            number.fee_due = False

    def charge(
        self,
        subscription: Subscription,
        event: str,
        lines: list[Fraction],
        now: datetime,
        step: Document | None = None,
        activation: "Activation | None" = None,
    ) -> None:
        """Take the fees from the wallet, and plan the notices and attempts for the new *E*.

        An external invoice takes nothing from the wallet. See Rules 1.5, 10.1 and 11.4.
        """
        account, amount = subscription.account, paid_by_wallet(lines, step or {})
        account.balance -= amount
        self.tell(now, account, event, subscription, amount=-amount)
        if amount:
            self.bill(account, lines, now)
        if activation and "invoice_number" not in (step or {}):
            self.activate(subscription, activation, now)
        for number in self.in_use_by(subscription):
            if number.leaves_on and number.leaves_on <= day_of(now, account.zone):
                self.give_back(number, "terminated", number.leaves_on, now)
        subscription.failed, subscription.attempted = False, None
        subscription.notices, subscription.noticed = self.notices_ahead(subscription, now), set()
        self.attempt_at_once(subscription, now)

    def notices_ahead(self, subscription: Subscription, now: datetime) -> dict[str, datetime]:
        """The notices of this *E* whose instants lie ahead."""
        last_days = subscription.expiry - timedelta(days=self.policy["expiring_notice_days"])
        days = {
            NOTICE_RENEWAL: self.renewal_date(subscription)
            - timedelta(days=self.policy["renewal_notice_days"]),
            NOTICE_EXPIRING: last_days,
        }
        if subscription.trial_ends is not None:
            days = {NOTICE_TRIAL_ENDING: last_days}
        zone = subscription.account.zone
        instants = {notice: first_instant(day, zone) for notice, day in days.items()}
        return {notice: at for notice, at in instants.items() if at > now}

    def attempt_at_once(self, subscription: Subscription, now: datetime) -> None:
        """Plan an attempt now if the renewal date is past and *E* is not (Rule 5.7)."""
        zone = subscription.account.zone
        past = (
            first_instant(self.renewal_date(subscription), zone) <= now
            and day_of(now, zone) <= subscription.expiry
        )
        subscription.at_once = now if past and subscription.auto_renew else None

    def tell(
        self,
        now: datetime,
        account: Account,
        event: str,
        subscription: Subscription | None = None,
        *,
        amount: Fraction | None = None,
        reason: str | None = None,
        number: str | None = None,
    ) -> None:
        """Add a line to the timeline."""
        at = now.astimezone(ZoneInfo(account.zone))
        line = {"at": at.isoformat(), "date": str(at.date()), "event": event, "account": account.id}
        if subscription:
            line["id"] = subscription.id
        if amount:
            line["amount"] = written(amount, account.currency)
        if reason:
            line["reason"] = reason
        if number:
            line["number"] = number
        self.events.append((now, line))

    def invoice(
        self,
        account: Account,
        kind: str,
        lines: list[Fraction],
        now: datetime,
        on: date | None = None,
    ) -> None:
        """Issue an invoice or a credit note. `on`: its date, default today."""
        amounts = [written(line, account.currency) for line in lines]
        day = str(on or day_of(now, account.zone))
        whole = written(total(lines), account.currency)
        self.invoices.append(
            {"kind": kind, "date": day, "account": account.id, "lines": amounts, "total": whole}
        )

    # --- the result (docs/scenario.md) ---

    def timeline(self) -> list[dict[str, Any]]:
        """All events by instant. At one instant accounts come first, then subscriptions by id."""
        ordered = sorted(
            self.events,
            key=lambda event: (event[0], "id" in event[1], event[1].get("id", event[1]["account"])),
        )
        return [line for _, line in ordered]

    def state(self, subscription: Subscription) -> dict[str, Any]:
        """A subscription at the end of the story."""
        account, today = (
            subscription.account,
            day_of(self.end(subscription.account), subscription.account.zone),
        )
        as_of = subscription.terminated_on or today
        begun = [period for period in subscription.periods if period.start <= as_of]
        shown = begun[-1] if begun else subscription.periods[0]
        terminated = subscription.status == TERMINATED
        renews = subscription.status == ACTIVE and subscription.trial_ends is None
        return {
            "status": subscription.status,
            "account": account.id,
            "sku": shown.holds.sku,
            "auto_renew": subscription.auto_renew,
            "renewal_failed": subscription.failed,
            "trial": subscription.trial_ends is not None,
            "anchor": str(subscription.anchor),
            "period_start": str(shown.start),
            "expiry": str(subscription.expiry),
            "renewal_date": str(self.renewal_date(subscription)) if renews else None,
            "fee": None if terminated else self.next_fee(subscription, today),
            "cycles_paid": subscription.cycles_paid,
        }

    def next_fee(self, subscription: Subscription, today: date) -> str:
        """The fee of the next paid cycle at today's prices, as a renewal on *E* would have it."""
        renews = subscription.status == ACTIVE
        as_of = subscription.expiry if renews else subscription.expiry + DAY
        months = self.charged_months(subscription, as_of)
        fee = total(self.fee_lines(subscription, today, months))
        return written(fee, subscription.account.currency)

    def wallet(self, account: Account) -> dict[str, Any]:
        """An account at the end of the story."""
        amounts = {
            "balance": account.balance,
            "usable": account.usable,
            "reserved": Fraction(0),
            "unbilled": account.unbilled,
        }
        mode = "postpaid" if account.postpaid else "prepaid"
        return {"currency": account.currency, "mode": mode} | {
            key: written(value, account.currency) for key, value in amounts.items()
        }


def total(lines: list[Fraction]) -> Fraction:
    """The sum of rounded lines."""
    return sum(lines, Fraction(0))


def paid_by_wallet(lines: list[Fraction], step: Document) -> Fraction:
    """The sum of the lines, or zero if an external invoice pays."""
    return Fraction(0) if "invoice_number" in step else total(lines)


def unpaid(subscription: Subscription) -> Document:
    """What a step on a subscription under a milestone contract has: nothing is charged (8.3)."""
    return {"invoice_number": ""} if subscription.contract == "milestone" else {}
