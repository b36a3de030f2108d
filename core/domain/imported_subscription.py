"""Taking over a customer of another system in the middle of a paid cycle (Rule 1.3).

Owns which cycle is under way on the day of the import. The other system charged it, so its period
carries no charge here and no refund is given for it (Rule 8.2).

Worked date: anchor 2023-01-31, one month, today 2023-04-10: 2 months end on 03-30, 3 on 04-29, so
M = 3, E = 2023-04-29 and the period under way began on 03-31.
"""

import zlib
from datetime import date, datetime
from enum import StrEnum

from core.domain.calendar import add_months, first_instant, last_paid_day
from core.domain.subscription import Period, Subscription

_LONGEST_MONTH = 31


class ImportKind(StrEnum):
    """What a file is about that is imported and can be undone."""

    CUSTOMERS = "customers"
    NUMBERS = "numbers"


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


def taken_over(
    *,
    id_: str,
    account: str,
    sku: str,
    months: int,
    quantity: int,
    legacy: bool,
    auto_renew: bool,
    anchor: date,
    today: date,
    now: datetime,
    policy_version: int,
) -> tuple[Subscription, Period]:
    """A subscription as it is today on its old schedule, and its period under way.

    `id_`, `account`, `sku`, `quantity`, `legacy`, `auto_renew`: as in `Subscription`.
    `months`: the months of a cycle.
    `anchor`: where its schedule began. Raises ValueError when it lies in the future.
    `today`, `now`: the local date and the instant (UTC) of the import.
    `policy_version`: the policy in force.
    """
    if anchor > today:
        raise ValueError(f"it begins on {anchor}, after today, {today}")
    paid = months_under_way(anchor, months, today)
    subscription = Subscription(
        id=id_,
        account=account,
        sku=sku,
        quantity=quantity,
        legacy=legacy,
        auto_renew=auto_renew,
        anchor=anchor,
        months_paid=paid,
        cycle_months=months,
        expiry=last_paid_day(anchor, paid),
        cycles_paid=paid // months,
        planned_at=now,
        policy_version=policy_version,
    )
    start = add_months(anchor, paid - months)
    return subscription, Period(
        start=start, expiry=subscription.expiry, months=months, scheduled_start=start
    )
