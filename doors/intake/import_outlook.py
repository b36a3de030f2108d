"""What will become of an import: a dry run tells it before anything is written (docs/import.md).

Each row becomes the subscription that the import would write, by the same function. The planner
says when it renews, and the fees say for how much. It is assumed that each renewal is paid. What is
kept does not grow with the file, but for the counts by day.
"""

import csv
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TextIO

from activities.import_customers import Customer, subscription_of
from core.domain.calendar import local_date
from core.domain.catalog import Catalog
from core.domain.counted import counted
from core.domain.fees import next_cycle_lines, payable
from core.domain.imported_subscription import TakeoverState
from core.domain.money import plain
from core.domain.planner.renewals import renewal_date
from core.domain.planner.schedule import schedule
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import RENEWALS, Step
from core.domain.subscription import ZERO, Status, Subscription
from doors.application.safe_text import spreadsheet_cell

DAYS = 30
"""Days for which the renewals are told."""
SAMPLE = 10
"""Accounts that are shown as they will be."""
SHOWN = 20
"""Rows that are shown of those that differ from the other system."""
FEWEST = 20
"""Rows from which on a common anchor is odd."""
_DAY = timedelta(days=1)
COLUMNS = (
    "subscription",
    "account",
    "status",
    "auto_renew",
    "paid_until",
    "renews_on",
    "next_fee",
    "currency",
)
"""The columns of a table of subscriptions, to be held against the other system."""
COMPARED = ("charged_there_on", "days_apart")
"""Further columns of a dry run."""


class Expected(StrEnum):
    """What a row will be, for the counts."""

    RENEWS = "renews by itself"
    LATE = "renewal date is past, tried at once"
    FAILED = "renewal has failed there, tried again on the retry days ahead"
    UNSUBSCRIBED = "runs out, auto-renewal is off"
    TRIAL = "trial"
    EXPIRED = "expired"
    TERMINATED = "terminated"


_TRIED = (Expected.RENEWS, Expected.LATE, Expected.FAILED)
"""What is tried to be renewed by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfRenewals:
    """How many subscriptions renew on a local day, and for how much in a currency."""

    day: date
    currency: str
    renewals: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRow:
    """A subscription as it will be.

    `status`, `auto_renew`: Rule 2.
    `paid_until`: *E*.
    `renews_on`: the day of the first attempt, None if it does not renew by itself.
    `next_fee`: what the next cycle costs, in the currency of the account.
    `charged_there_on`: the day of the next charge in the other system, None if it is not known.
    `days_apart`: how many days later that is than the first day that is not paid here.
    """

    subscription: str
    account: str
    status: str
    auto_renew: bool
    paid_until: date
    renews_on: date | None
    next_fee: Decimal
    currency: str
    charged_there_on: date | None = None
    days_apart: int | None = None

    def cells(self) -> tuple[str, ...]:
        """The cells of the table, for `COLUMNS`."""
        return (
            spreadsheet_cell(self.subscription),
            spreadsheet_cell(self.account),
            self.status,
            "yes" if self.auto_renew else "no",
            str(self.paid_until),
            "" if self.renews_on is None else str(self.renews_on),
            plain(self.next_fee, self.currency),
            self.currency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The next charges of the other system, held against the first day that is not paid here.

    `agree`, `a_day`, `more`: rows that agree, that are a day apart, that are more apart.
    `first`: the first few rows that do not agree.
    """

    agree: int
    a_day: int
    more: int
    first: tuple[ExpectedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookReport:
    """What will become of the rows of an import.

    `as_of`: the day on which Perennial takes over, None for today.
    `expected`: rows by what they will be.
    `renewals`: the renewals of the next 30 days. Days without one are left out.
    `odd`: what looks odd, in sentences.
    `comparison`: None if the file does not say when the other system charges next.
    `sample`: some accounts as they will be.
    """

    as_of: date | None
    expected: dict[str, int]
    renewals: tuple[DayOfRenewals, ...]
    odd: tuple[str, ...]
    comparison: Comparison | None
    sample: tuple[ExpectedRow, ...]


class Outlook:
    """Looks at one row after the other.

    `catalog`: with the SKUs that the import adds. `policy`: the policy in force.
    `now`: the instant of the import (UTC). `as_of`: the day on which Perennial takes over.
    `unread`: columns of the file that are named like fields, but that its mapping does not read.
    `table`: a CSV file for all rows, or None.
    """

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        now: datetime,
        as_of: date | None,
        unread: Sequence[str] = (),
        table: TextIO | None = None,
    ) -> None:
        self._catalog, self._policy = catalog, policy
        self._now, self._as_of, self._unread = now, as_of, unread
        self._expected: Counter[Expected] = Counter()
        self._renewals: Counter[tuple[date, str]] = Counter()
        self._amounts: dict[tuple[date, str], Decimal] = {}
        self._anchors: Counter[date] = Counter()
        self._apart: Counter[int] = Counter()
        self._differing: list[ExpectedRow] = []
        self._sample: dict[str, tuple[int, ExpectedRow]] = {}
        self._rows = self._free = self._unfunded = self._unfunded_late = 0
        self._failed_past = self._lost = self._paused = 0
        self._writer = csv.writer(table, lineterminator="\n") if table else None
        if self._writer:
            self._writer.writerow((*COLUMNS, *COMPARED))

    def add(self, customer: Customer) -> None:
        """Look at a row that will come in."""
        subscription, _ = subscription_of(customer, self._now, self._as_of, self._policy, 1)
        zone, currency = customer.timezone, customer.currency
        today = local_date(subscription.planned_at, zone)
        on = renewal_date(subscription, self._policy)
        lines = next_cycle_lines(subscription, self._catalog, currency, max(on, today))
        fee = payable(subscription, lines)
        expected = _expected(subscription, on, today)
        self._rows += 1
        self._failed_past += (
            customer.state is TakeoverState.PAST_DUE and expected is Expected.EXPIRED
        )
        self._paused += customer.state is TakeoverState.PAUSED
        self._lost += len(customer.numbers) if expected is Expected.TERMINATED else 0
        self._expected[expected] += 1
        self._anchors[subscription.anchor] += 1
        self._free += fee == ZERO
        if expected in _TRIED:
            self._count_renewals(subscription, zone, currency, today, fee)
            if customer.credits < fee and not (customer.card and customer.renew_by_card):
                self._unfunded += 1
                self._unfunded_late += expected is Expected.LATE
        renews_on = max(on, today) if expected in _TRIED else None
        self._note(_row(customer, subscription, renews_on, fee))

    def _count_renewals(
        self, subscription: Subscription, zone: str, currency: str, today: date, fee: Decimal
    ) -> None:
        for step in schedule(subscription, self._policy, zone):
            day = local_date(step.due, zone)
            if (day - today).days >= DAYS:
                return
            if isinstance(step, Step) and step.kind in RENEWALS:
                key = (day, currency)
                self._renewals[key] += 1
                self._amounts[key] = self._amounts.get(key, ZERO) + fee

    def _note(self, row: ExpectedRow) -> None:
        if self._writer:
            compared = (
                row.charged_there_on or "",
                "" if row.days_apart is None else row.days_apart,
            )
            self._writer.writerow((*row.cells(), *compared))
        if row.days_apart is not None:
            self._apart[min(2, abs(row.days_apart))] += 1
            if row.days_apart and len(self._differing) < SHOWN:
                self._differing.append(row)
        place = zlib.crc32(row.account.encode())
        if row.account in self._sample:
            return
        self._sample[row.account] = (place, row)
        if len(self._sample) > SAMPLE:
            self._sample.pop(max(self._sample, key=lambda account: self._sample[account][0]))

    def report(self) -> OutlookReport:
        """What will become of the rows that were looked at."""
        days = [
            DayOfRenewals(day=day, currency=currency, renewals=count, amount=self._amounts[key])
            for key, count in sorted(self._renewals.items())
            for day, currency in [key]
        ]
        compared = None
        if self._apart:
            compared = Comparison(
                agree=self._apart[0],
                a_day=self._apart[1],
                more=self._apart[2],
                first=tuple(self._differing),
            )
        return OutlookReport(
            as_of=self._as_of,
            expected={str(one): self._expected[one] for one in Expected if self._expected[one]},
            renewals=tuple(days),
            odd=tuple(self._odd()),
            comparison=compared,
            sample=tuple(row for _, row in sorted(self._sample.values(), key=lambda it: it[0])),
        )

    def _odd(self) -> list[str]:
        found = []
        if self._unread:
            found.append(
                "The mapping does not read these columns, which are named like fields: "
                f"{', '.join(self._unread)}. Is that meant?"
            )
        if self._rows >= FEWEST:
            anchor, count = self._anchors.most_common(1)[0]
            if count * 2 > self._rows:
                found.append(
                    f"{count:,} of {self._rows:,} anchors are {anchor}. Is this the day on which "
                    "their cycles began, or the day of an earlier move?"
                )
        if self._free:
            found.append(f"{counted(self._free, 'row has', 'rows have')} a next fee of zero.")
        late = self._expected[Expected.LATE]
        if late:
            fails = counted(self._unfunded_late, "of them fails", "of them fail")
            why = f" {fails} without enough credits or a card." if self._unfunded_late else ""
            found.append(
                f"{counted(late, 'row is late', 'rows are late')}: the renewal date is past, "
                f"so the renewal is tried at once.{why}"
            )
        if self._unfunded:
            renew = sum(self._expected[one] for one in _TRIED)
            found.append(
                f"{self._unfunded:,} of {counted(renew, 'row that renews', 'rows that renew')} "
                f"{'brings' if self._unfunded == 1 else 'bring'} neither "
                "credits for the next cycle nor a card for renewals. Such a renewal fails until "
                "the account is topped up."
            )
        if self._failed_past:
            days = counted(self._policy.late_renewal_days, "day")
            found.append(
                f"{counted(self._failed_past, 'row', 'rows')} failed to renew there, and the last "
                f"paid day is past: EXPIRED at once (rule {Rule.OUTAGE}). With the status active, "
                f"a row that is at most {days} late is tried once."
            )
        if self._paused:
            found.append(
                f"{counted(self._paused, 'row is', 'rows are')} paused there. The rules know no "
                "pause: auto-renewal is off, and one whose last paid day is past is EXPIRED today. "
                f"`resubscribe` or `reactivate` lets it go on (rules {Rule.AUTO_RENEWAL}, "
                f"{Rule.REACTIVATE})."
            )
        if self._lost:
            found.append(
                f"{counted(self._lost, 'number belongs', 'numbers belong')} to rows that are "
                "terminated, and stay out. `number import` takes free numbers in."
            )
        if self._rows >= FEWEST and not any(self._expected[one] for one in _TRIED):
            found.append("No row renews by itself. Is auto_renew mapped as it should be?")
        return found


def _expected(subscription: Subscription, on: date, today: date) -> Expected:
    if subscription.status is Status.TERMINATED:
        return Expected.TERMINATED
    if subscription.status is Status.EXPIRED:
        return Expected.EXPIRED
    if subscription.trial:
        is_over = subscription.expiry < today and not subscription.auto_renew
        return Expected.EXPIRED if is_over else Expected.TRIAL
    if not subscription.auto_renew:
        return Expected.UNSUBSCRIBED
    if subscription.renewal_failed:
        return Expected.FAILED
    return Expected.LATE if on < today else Expected.RENEWS


def _row(
    customer: Customer, subscription: Subscription, renews_on: date | None, fee: Decimal
) -> ExpectedRow:
    there = customer.charged_there_on
    return ExpectedRow(
        subscription=subscription.id,
        account=subscription.account,
        status=str(subscription.status),
        auto_renew=subscription.auto_renew,
        paid_until=subscription.expiry,
        renews_on=renews_on,
        next_fee=fee,
        currency=customer.currency,
        charged_there_on=there,
        days_apart=None if there is None else (there - subscription.expiry - _DAY).days,
    )
