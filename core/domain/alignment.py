"""Alignment: the first automatic renewal moves *E* to a month end (Rule 5.5).

Worked sum: expiry 2020-12-15, monthly 50.00. The new *E* is 2021-01-31, one cycle after the end of
December. The 16 days to the end of December cost 50 × 16/31 = 25.81, and the cycle costs 50.00. It
is one line, 75.81.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta

from core.domain import lifecycle
from core.domain.calendar import add_months
from core.domain.lifecycle import with_new_expiry
from core.domain.subscription import Period, Subscription

_DAY = timedelta(days=1)


def aligns(subscription: Subscription, today: date) -> bool:
    """Whether an automatic renewal on a day moves *E* to a month end.

    A late renewal after *E* does not. When *E* is a month end already, nothing is extra.
    """
    return subscription.align and today <= subscription.expiry and _left_over(subscription) > 0


def price_months(subscription: Subscription) -> tuple[int, int]:
    """For how many months the aligned cycle is charged, as a fraction: 47/31."""
    days = _days_of_month(subscription.expiry)
    return subscription.next_contents.cycle_months * days + _left_over(subscription), days


def renew(
    subscription: Subscription, today: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """The automatic renewal of a subscription, aligned if it aligns (Rules 5.1, 5.5).

    An aligned one gets a new anchor, the day after the new *E*.
    """
    if not aligns(subscription, today):
        return lifecycle.renew(subscription, now, policy_version)
    begin = subscription.expiry + _DAY
    months = subscription.next_contents.cycle_months
    month = add_months(subscription.expiry, months)
    expiry = month.replace(day=_days_of_month(month))
    moved = with_new_expiry(
        subscription, begin, now, policy_version, anchor=expiry + _DAY, months_paid=0, expiry=expiry
    )
    return moved, Period(
        start=begin,
        expiry=expiry,
        months=months + 1,
        scheduled_start=begin,
        left_over=_left_over(subscription),
        left_over_of=_days_of_month(subscription.expiry),
        discount=subscription.next_discount,
    )


def _left_over(subscription: Subscription) -> int:
    """The days after *E* in the month of *E*."""
    return _days_of_month(subscription.expiry) - subscription.expiry.day


def _days_of_month(day: date) -> int:
    return monthrange(day.year, day.month)[1]
