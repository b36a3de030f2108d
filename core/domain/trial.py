"""Trials: free days, and the first paid cycle after them (Rule 4.3).

Worked example: a trial of 10 days from 02-25 ends on 03-05. Converted while it runs, the first paid
cycle begins on 03-06. Converted on 03-10, it begins on 03-10. The anchor is that day.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from core.domain import lifecycle
from core.domain.calendar import last_paid_day, local_date
from core.domain.lifecycle import with_new_expiry
from core.domain.subscription import Failure, Period, Status, Subscription

_DAY = timedelta(days=1)


def start(
    *,
    id_: str,
    account: str,
    sku: str,
    base_months: int,
    days: int,
    today: date,
    now: datetime,
    policy_version: int,
) -> tuple[Subscription, Period]:
    """A trial that starts today, and its days as a period of no months, for which nothing is paid.

    `id_`, `account`, `sku`: what is tried, and by whom.
    `base_months`: the months of the SKU's base cycle.
    `days`: the length of the trial.
    `today`, `now`: the local date and the instant (UTC) of its start.
    `policy_version`: the policy in force. The end of the trial follows it (Rule 14).
    """
    expiry = today + timedelta(days=days) - _DAY
    trial = Subscription(
        id=id_,
        account=account,
        sku=sku,
        trial=True,
        anchor=today,
        months_paid=0,
        cycle_months=base_months,
        expiry=expiry,
        cycles_paid=0,
        planned_at=now,
        policy_version=policy_version,
    )
    return trial, Period(start=today, expiry=expiry, months=0, scheduled_start=today)


def convert(
    trial: Subscription, today: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """The subscription with its first paid cycle. It is no trial from then on.

    The cycle starts the day after the trial's last day, or today when that is past.
    """
    start = max(trial.expiry + _DAY, today)
    months = trial.cycle_months
    expiry = last_paid_day(start, months)
    converted = with_new_expiry(
        trial,
        start,
        now,
        policy_version,
        trial=False,
        anchor=start,
        months_paid=months,
        expiry=expiry,
        status=Status.ACTIVE,
        expired_on=None,
    )
    return converted, Period(start=start, expiry=expiry, months=months, scheduled_start=start)


def fail(trial: Subscription, failure: Failure, zone: str, now: datetime) -> Subscription:
    """The trial whose first cycle could not be funded at its end. It is EXPIRED at once."""
    expired = lifecycle.expire(trial, local_date(now, zone), zone)
    return replace(expired, failure=failure, attempted_at=now)
