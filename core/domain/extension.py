"""Extend: pay in advance, by whole cycles or up to a day (Rule 6.2).

Worked sum: extending from 2020-12-15 to 2021-01-31 at 50.00 a month is one whole anchored month and
16 of the 31 days of the next, 50 + 50 × 16/31 = 75.81.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from core.domain.calendar import last_paid_day
from core.domain.counted import counted
from core.domain.lifecycle import LAST_YEAR, renew, with_new_expiry
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Period, Subscription

_DAY = timedelta(days=1)


def extend(
    subscription: Subscription, cycles: int, now: datetime, policy_version: int
) -> tuple[Subscription, list[Period]]:
    """Pay whole cycles in advance, a period each.

    Raises `Refused` 6.2 when the subscription would end beyond the calendar.
    """
    months = subscription.next_contents.cycle_months
    if subscription.expiry.year + cycles * months // 12 > LAST_YEAR:
        by = counted(cycles, "cycle")
        reason = f"cannot be extended by {by}: it would end after the year {LAST_YEAR}"
        raise Refused(Rule.EXTEND, reason)
    periods = []
    for _ in range(cycles):
        subscription, period = renew(subscription, now, policy_version)
        periods.append(period)
    return replace(subscription, version=subscription.version - cycles + 1), periods


def earliest_extension(subscription: Subscription) -> date:
    """The first day to which it can be extended: the last day of the next whole month."""
    return last_paid_day(subscription.anchor, subscription.months_paid + 1)


def extend_to(
    subscription: Subscription, to: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """Pay up to a day. The day after it becomes the anchor.

    Left-over days count as one month more for a refund (Rule 8.2). Raises `Refused` 6.2 when the
    day is too early or beyond the calendar.
    """
    earliest = earliest_extension(subscription)
    if to < earliest:
        raise Refused(
            Rule.EXTEND, f"{to} is before the last day of the next whole month, {earliest}"
        )
    if to.year > LAST_YEAR:
        raise Refused(Rule.EXTEND, f"cannot be extended to {to}: it is after the year {LAST_YEAR}")
    months, left_over, of = anchored_months(subscription, to)
    begin = subscription.expiry + _DAY
    moved = with_new_expiry(
        subscription, begin, now, policy_version, anchor=to + _DAY, months_paid=0, expiry=to
    )
    return moved, Period(
        start=begin,
        expiry=to,
        months=months + (left_over > 0),
        scheduled_start=begin,
        left_over=left_over,
        left_over_of=of,
        discount=subscription.next_discount,
    )


def anchored_months(subscription: Subscription, to: date) -> tuple[int, int, int]:
    """Whole anchored months after *E* up to a day, the left-over days, and the days of their month.

    Their month is the anchored month in which the left-over days fall.
    """
    months = 0
    while last_paid_day(subscription.anchor, subscription.months_paid + months + 1) <= to:
        months += 1
    begin = last_paid_day(subscription.anchor, subscription.months_paid + months) + _DAY
    end = last_paid_day(subscription.anchor, subscription.months_paid + months + 1)
    return months, (to - begin).days + 1, (end - begin).days + 1
