"""How a subscription changes: pure transitions, each the consequence of one rule. None of them checks whether it is allowed
(`core.domain.state_table` does) or what it costs (`core.domain.fees` does).
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from core.domain.calendar import add_months, first_instant, last_paid_day, local_date
from core.domain.fees import anchored_months
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Failure, Period, Status, Subscription

_DAY = timedelta(days=1)
_LAST_YEAR = 9000


def start(subscription: Subscription) -> Period:
    """The first period of a subscription just bought, whose `expiry` is set from its anchor (Rules 1.3, 3.3)."""
    return Period(
        start=subscription.anchor,
        expiry=subscription.expiry,
        months=subscription.months_paid,
        scheduled_start=subscription.anchor,
    )


def renew(
    subscription: Subscription, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """Move *E* by one cycle; the new period begins the day after the old *E* (Rules 5.1, 6.1)."""
    months = subscription.months_paid + subscription.cycle_months
    expiry = last_paid_day(subscription.anchor, months)
    begin = subscription.expiry + _DAY
    moved = _moved(subscription, now, policy_version, months_paid=months, expiry=expiry)
    return moved, Period(
        start=begin, expiry=expiry, months=subscription.cycle_months, scheduled_start=begin
    )


def extend(
    subscription: Subscription, cycles: int, now: datetime, policy_version: int
) -> tuple[Subscription, list[Period]]:
    """Pay so many cycles in advance, a period each (Rule 6.2). Raises `Refused` 6.2 when it would end beyond the calendar."""
    if subscription.expiry.year + cycles * subscription.cycle_months // 12 > _LAST_YEAR:
        raise Refused(
            Rule.EXTEND,
            f"cannot be extended by {cycles} cycles: it would end after the year {_LAST_YEAR}",
        )
    periods = []
    for _ in range(cycles):
        subscription, period = renew(subscription, now, policy_version)
        periods.append(period)
    return replace(subscription, version=subscription.version - cycles + 1), periods


def earliest_extension(subscription: Subscription) -> date:
    """The first day to which it can be extended: the last day of the next whole month (Rule 6.2)."""
    return last_paid_day(subscription.anchor, subscription.months_paid + 1)


def extend_to(
    subscription: Subscription, to: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """Pay up to a day; the day after it becomes the anchor. Left-over days count as one month more for a refund (Rules 6.2, 8.2).
    Raises `Refused` 6.2 when the day is too early or beyond the calendar."""
    earliest = earliest_extension(subscription)
    if to < earliest:
        raise Refused(
            Rule.EXTEND, f"{to} is before the last day of the next whole month, {earliest}"
        )
    if to.year > _LAST_YEAR:
        raise Refused(Rule.EXTEND, f"cannot be extended to {to}: it is after the year {_LAST_YEAR}")
    months, left_over, _ = anchored_months(subscription, to)
    begin = subscription.expiry + _DAY
    moved = _moved(subscription, now, policy_version, anchor=to + _DAY, months_paid=0, expiry=to)
    return moved, Period(
        start=begin, expiry=to, months=months + (left_over > 0), scheduled_start=begin
    )


def reactivate(
    subscription: Subscription, today: date, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """Bring it back on its old schedule: *M* grows by as many cycles as reach today, for one fee (Rule 7)."""
    months, begin = subscription.months_paid, subscription.expiry
    expiry = subscription.expiry
    while expiry < today:
        begin = expiry + _DAY
        months += subscription.cycle_months
        expiry = last_paid_day(subscription.anchor, months)
    moved = _moved(
        subscription,
        now,
        policy_version,
        months_paid=months,
        expiry=expiry,
        status=Status.ACTIVE,
        expired_on=None,
    )
    return moved, Period(
        start=today, expiry=expiry, months=subscription.cycle_months, scheduled_start=begin
    )


def fail(subscription: Subscription, now: datetime, failure: Failure) -> Subscription:
    """An attempt to renew has failed (Rule 5.4)."""
    return replace(
        subscription,
        renewal_failed=True,
        failure=failure,
        attempted_at=now,
        version=subscription.version + 1,
    )


def miss(subscription: Subscription, now: datetime) -> Subscription:
    """An attempt that fell into an outage and may no longer be made: nothing is charged, what is left is to expire (Rule 13)."""
    return replace(subscription, attempted_at=now, version=subscription.version + 1)


def expire(subscription: Subscription, today: date, zone: str) -> Subscription:
    """The expiry date has passed; today is day 1 of the days in which it can be reactivated (Rules 1.5, 7, 13). Where E + 1 does not exist
    (Apia, 2011-12-30) the step is due with the day after it, and day 1 is E + 1 all the same."""
    after = subscription.expiry + _DAY
    on_time = today == local_date(first_instant(after, zone), zone)
    return replace(
        subscription,
        status=Status.EXPIRED,
        renewal_failed=False,
        expired_on=after if on_time else today,
        version=subscription.version + 1,
    )


def terminate(subscription: Subscription, today: date) -> Subscription:
    """The end, for good (Rules 2, 8.2)."""
    return replace(
        subscription,
        status=Status.TERMINATED,
        renewal_failed=False,
        terminated_on=today,
        version=subscription.version + 1,
    )


def unsubscribe(subscription: Subscription) -> Subscription:
    """Auto-renewal off; a failed renewal stays failed (Rule 8.1)."""
    return replace(subscription, auto_renew=False, version=subscription.version + 1)


def resubscribe(subscription: Subscription, now: datetime) -> Subscription:
    """Auto-renewal on; its attempts are planned anew from now on (Rules 5.7, 8.1)."""
    return replace(
        subscription,
        auto_renew=True,
        planned_at=now,
        attempted_at=None,
        version=subscription.version + 1,
    )


def _moved(
    subscription: Subscription, now: datetime, policy_version: int, **changes: object
) -> Subscription:
    """A new *E*: nothing has failed yet, and its steps follow the policy in force now (Rule 14)."""
    return replace(
        subscription,
        **changes,  # type: ignore[arg-type]
        renewal_failed=False,
        failure=None,
        planned_at=now,
        attempted_at=None,
        cycles_paid=subscription.cycles_paid + 1,
        policy_version=policy_version,
        version=subscription.version + 1,
    )


def bought(  # one keyword for each thing a purchase names (Rule 4.1)
    *,
    id: str,
    account: str,
    sku: str,
    quantity: int,
    multiplier: int,
    addons: dict[str, int],
    legacy: bool,
    base_months: int,
    today: date,
    now: datetime,
    policy_version: int,
) -> Subscription:
    """A subscription as it is after its purchase: anchored today, one cycle paid (Rules 1.3, 3.3)."""
    months = base_months * multiplier
    if today.year + months // 12 > _LAST_YEAR:
        raise Refused(
            Rule.FEE_LINES, f"a cycle of {months} months ends after the year {_LAST_YEAR}"
        )
    return Subscription(
        id=id,
        account=account,
        sku=sku,
        quantity=quantity,
        multiplier=multiplier,
        addons=addons,
        legacy=legacy,
        anchor=today,
        months_paid=months,
        cycle_months=months,
        expiry=add_months(today, months) - _DAY,
        cycles_paid=1,
        planned_at=now,
        policy_version=policy_version,
    )
