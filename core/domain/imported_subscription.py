"""Taking over a customer of another system in the middle of a paid cycle (Rule 1.3).

Owns which cycle is under way on the day of the import, and what status follows from what the other
system knows. The other system charged it, so its period carries no charge here and no refund is
given for it (Rule 8.2).

Worked date: anchor 2023-01-31, one month, today 2023-04-10: 2 months end on 03-30, 3 on 04-29, so
M = 3, E = 2023-04-29 and the period under way began on 03-31.
"""

import zlib
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.domain.calendar import add_months, first_instant, last_paid_day
from core.domain.planner.renewals import renewal_date
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Failure, Period, Status, Subscription

_DAY = timedelta(days=1)
_LONGEST_MONTH = 31


class ImportKind(StrEnum):
    """What a file is about that is imported and can be undone."""

    CUSTOMERS = "customers"
    NUMBERS = "numbers"


class TakeoverState(StrEnum):
    """What a subscription was in the other system."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNSUBSCRIBED = "unsubscribed"
    PAUSED = "paused"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    TRIAL = "trial"


_RUNS_OUT = (TakeoverState.UNSUBSCRIBED, TakeoverState.PAUSED)


def judged_at(now: datetime, as_of: date | None, zone: str) -> datetime:
    """The instant (UTC) as of which a row of an import is judged and planned.

    It is the first instant of the day on which Perennial takes over. Without such a day, or when it
    has begun, it is now.
    """
    return now if as_of is None else max(now, first_instant(as_of, zone))


def anchor_by_tenure(key: str, tenure: int, today: date) -> date:
    """The anchor of a customer of whom only the months of membership are known.

    It lies that many months before today's month. A stable hash of the key chooses the day, clamped
    to the month's length. For zero months it is today. It is never in the future.
    """
    if tenure == 0:
        return today
    day = 1 + zlib.crc32(key.encode()) % _LONGEST_MONTH
    return add_months(date(today.year, 1, day), today.month - 1 - tenure)


def months_under_way(anchor: date, cycle_months: int, today: date) -> int:
    """*M* with the cycle under way.

    That is the fewest whole cycles since the anchor, at least one, whose last day is not past.
    """
    begun = (today.year - anchor.year) * 12 + today.month - anchor.month
    months = max(1, begun // cycle_months) * cycle_months
    while last_paid_day(anchor, months) < today:
        months += cycle_months
    return months


def schedule_until(
    paid_until: date, anchor: date | None, anchor_day: int | None
) -> tuple[date, int]:
    """*A* and *M* of a subscription that is paid up to a day (Rule 1.3).

    `paid_until`: *E*, which decides.
    `anchor`: where its schedule began, as far as it is known.
    `anchor_day`: the day of the month on which its cycles begin, as far as it is known.

    The anchor stays if whole months since it end on *E*. Otherwise the day after *E* is the anchor,
    and M is 0, as after an extension to a date.
    """
    after = paid_until + _DAY
    if anchor is not None and anchor < after:
        begun = (after.year - anchor.year) * 12 + after.month - anchor.month
        if begun > 0 and last_paid_day(anchor, begun) == paid_until:
            return anchor, begun
    if anchor_day is not None:
        # Of two months in a row, at least one has 31 days.
        firsts = {months: add_months(after.replace(day=1), -months) for months in (1, 2)}
        months, first = next(
            (months, first)
            for months, first in firsts.items()
            if anchor_day <= monthrange(first.year, first.month)[1]
        )
        if last_paid_day(found := first.replace(day=anchor_day), months) == paid_until:
            return found, months
    return after, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What another system knows about a subscription.

    `id`, `account`, `sku`, `quantity`, `legacy`: as in `Subscription`.
    `months`: the months of a cycle.
    `auto_renew`: whether it renews by itself.
    `state`: what it was in the other system, default ACTIVE.
    `anchor`: where its schedule began. None: it is not known.
    `anchor_day`: the day of the month on which its cycles begin. None: it is not known.
    `paid_until`: the last day that was paid there, or the last day of a trial. None: that of the
    cycle under way since `anchor`, which is needed then.
    `discount`: percent off the fee lines of further cycles (Rule 3.6), default zero.
    `discount_cycles`: how many further cycles have it, default none.
    `addons`, `numbers`: as in `Subscription`, default none.
    """

    id: str
    account: str
    sku: str
    quantity: int
    legacy: bool
    months: int
    auto_renew: bool
    state: TakeoverState = TakeoverState.ACTIVE
    anchor: date | None = None
    anchor_day: int | None = None
    paid_until: date | None = None
    discount: Decimal = ZERO
    discount_cycles: int = 0
    addons: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)


def taken_over(
    takeover: Takeover, today: date, now: datetime, policy: Policy, policy_version: int
) -> tuple[Subscription, Period]:
    """A subscription as it is today on its old schedule, and its last period.

    `today`, `now`: the local date and the instant (UTC) of the import.
    `policy`, `policy_version`: the policy in force.

    Raises ValueError when what the other system knows contradicts itself.

    What was paid ahead is one period, and nothing is charged before it ends. One whose *E* is past:

    * ACTIVE, and at most `late_renewal_days` past: it is renewed late, like after an outage
      (Rule 13).
    * ACTIVE or PAST_DUE otherwise: EXPIRED today, so that the days of Rule 7 begin today.
    * PAUSED: EXPIRED today. Before that it runs out, because the rules know no pause.
    * UNSUBSCRIBED or EXPIRED: EXPIRED on E + 1, and TERMINATED when day 29 is past (Rule 1.5).
    """
    if takeover.anchor is not None and takeover.anchor > today:
        raise ValueError(f"it begins on {takeover.anchor}, after today, {today}")
    if takeover.state is TakeoverState.TRIAL:
        if takeover.addons or takeover.numbers:
            raise ValueError(f"a trial has no add-ons and no numbers (rule {Rule.TRIAL})")
        return _trial(takeover, today, now, policy_version)
    anchor, paid = _schedule(takeover, today)
    expiry = last_paid_day(anchor, paid)
    length = _months_under_way_until(anchor, paid, takeover.months, today)
    subscription = Subscription(
        id=takeover.id,
        account=takeover.account,
        sku=takeover.sku,
        quantity=takeover.quantity,
        addons=takeover.addons,
        numbers=takeover.numbers,
        legacy=takeover.legacy,
        auto_renew=takeover.auto_renew and takeover.state not in _RUNS_OUT,
        anchor=anchor,
        months_paid=paid,
        cycle_months=takeover.months,
        expiry=expiry,
        cycles_paid=max(1, paid // takeover.months),
        discount=takeover.discount,
        discount_cycles=max(1, paid // takeover.months) + takeover.discount_cycles
        if takeover.discount
        else 0,
        planned_at=now,
        policy_version=policy_version,
    )
    start = add_months(anchor, paid - length)
    period = Period(start=start, expiry=expiry, months=length, scheduled_start=start)
    return _as_it_is(subscription, takeover.state, today, now, policy), period


def _schedule(takeover: Takeover, today: date) -> tuple[date, int]:
    """*A* and *M*. Raises ValueError when they cannot be known."""
    if takeover.paid_until is not None:
        return schedule_until(takeover.paid_until, takeover.anchor, takeover.anchor_day)
    if takeover.state not in (TakeoverState.ACTIVE, TakeoverState.UNSUBSCRIBED):
        raise ValueError(f"it is {takeover.state}, so the last paid day is needed: paid_until")
    if takeover.anchor is None:
        raise ValueError("neither its anchor nor its last paid day is known")
    return takeover.anchor, months_under_way(takeover.anchor, takeover.months, today)


def _months_under_way_until(anchor: date, paid: int, cycle: int, today: date) -> int:
    """The fewest whole cycles, at least one, that end with *M* and begin today or earlier."""
    ahead = (anchor.year - today.year) * 12 + anchor.month - today.month + paid
    cycles = max(1, ahead // cycle)
    while add_months(anchor, paid - cycles * cycle) > today:
        cycles += 1
    return cycles * cycle


def _as_it_is(
    subscription: Subscription, state: TakeoverState, today: date, now: datetime, policy: Policy
) -> Subscription:
    """The subscription with the status that it has today."""
    past, after = subscription.expiry < today, subscription.expiry + _DAY
    if state is TakeoverState.TERMINATED:
        return replace(subscription, status=Status.TERMINATED, terminated_on=min(after, today))
    if state is TakeoverState.EXPIRED and not past:
        raise ValueError(f"it is expired, but paid until {subscription.expiry}, which is not past")
    if not past:
        failed = renewal_date(subscription, policy) <= today
        if state is TakeoverState.PAST_DUE and subscription.auto_renew and failed:
            return replace(
                subscription, renewal_failed=True, failure=Failure.NO_CREDITS, attempted_at=now
            )
        return subscription
    late = subscription.expiry + timedelta(days=policy.late_renewal_days)
    if state is TakeoverState.ACTIVE and subscription.auto_renew and today <= late:
        return subscription
    alive = state in (TakeoverState.ACTIVE, TakeoverState.PAST_DUE) and subscription.auto_renew
    expired_on = today if alive or state is TakeoverState.PAUSED else after
    expired = replace(subscription, status=Status.EXPIRED, expired_on=expired_on)
    end = expired_on + timedelta(days=policy.reactivation_days)
    if today < end:
        return expired
    return replace(expired, status=Status.TERMINATED, terminated_on=end)


def _trial(
    takeover: Takeover, today: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """A trial that runs until a day (Rule 4.3). Its end follows as if it had begun here."""
    if takeover.paid_until is None:
        raise ValueError("it is a trial, so its last day is needed: trial_until")
    start = min(takeover.anchor or today, takeover.paid_until)
    trial = Subscription(
        id=takeover.id,
        account=takeover.account,
        sku=takeover.sku,
        legacy=takeover.legacy,
        auto_renew=takeover.auto_renew,
        quantity=takeover.quantity,
        trial=True,
        anchor=start,
        months_paid=0,
        cycle_months=takeover.months,
        expiry=takeover.paid_until,
        cycles_paid=0,
        discount=takeover.discount,
        discount_cycles=takeover.discount_cycles if takeover.discount else 0,
        planned_at=now,
        policy_version=policy_version,
    )
    return trial, Period(start=start, expiry=trial.expiry, months=0, scheduled_start=start)
