"""Reactivate: bring an EXPIRED subscription back on its old schedule (Rule 7).

Worked example: expired 02-06, reactivated 02-23. The expiry date is 03-06, and the days without
service are not given back.
"""

from datetime import date, datetime, timedelta

from core.domain.calendar import last_paid_day
from core.domain.lifecycle import with_new_expiry
from core.domain.subscription import Period, Status, Subscription

_DAY = timedelta(days=1)


def reactivate(
    subscription: Subscription, today: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """Return it ACTIVE, with the period that starts today.

    *M* grows by as many cycles as are needed to reach today, for one fee. One that came in as
    EXPIRED on a day to come may be paid for some days more. Then the period starts after *E*.
    """
    cycle = subscription.next_contents.cycle_months
    months, begin = subscription.months_paid, subscription.expiry
    expiry = subscription.expiry
    start = max(today, expiry + _DAY)
    while expiry < start:
        begin = expiry + _DAY
        months += cycle
        expiry = last_paid_day(subscription.anchor, months)
    moved = with_new_expiry(
        subscription,
        start,
        now,
        policy_version,
        months_paid=months,
        expiry=expiry,
        status=Status.ACTIVE,
        expired_on=None,
    )
    return moved, Period(
        start=start,
        expiry=expiry,
        months=cycle,
        scheduled_start=begin,
        discount=subscription.next_discount,
    )
