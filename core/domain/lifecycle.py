"""How a subscription changes: pure transitions, each the consequence of one rule.

No transition checks whether it is allowed (`core.domain.state_table` does) or what it costs
(`core.domain.fees` does). Rules with more to say have files of their own: `extension` (Rule 6.2),
`reactivation` (Rule 7), `planner.outage` (Rule 13).
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.domain.calendar import add_months, first_instant, last_paid_day, local_date
from core.domain.number_changes import without_fees_due
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Contract, Failure, Period, Status, Subscription

_DAY = timedelta(days=1)
#: No period ends after this year.
LAST_YEAR = 9000


def start(subscription: Subscription) -> Period:
    """The first period of a subscription just bought (Rules 1.3, 3.3)."""
    return Period(
        start=subscription.anchor,
        expiry=subscription.expiry,
        months=subscription.months_paid,
        scheduled_start=subscription.anchor,
        discount=subscription.discount,
    )


def renew(
    subscription: Subscription, now: datetime, policy_version: int
) -> tuple[Subscription, Period]:
    """Move *E* by one cycle. The new period begins the day after the old *E* (Rules 5.1, 6.1)."""
    cycle = subscription.next_contents.cycle_months
    months = subscription.months_paid + cycle
    expiry = last_paid_day(subscription.anchor, months)
    begin = subscription.expiry + _DAY
    moved = with_new_expiry(
        subscription, begin, now, policy_version, months_paid=months, expiry=expiry
    )
    return moved, Period(
        start=begin,
        expiry=expiry,
        months=cycle,
        scheduled_start=begin,
        discount=subscription.next_discount,
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


def expire(subscription: Subscription, today: date, zone: str) -> Subscription:
    """The expiry date has passed. Today is day 1 of the days to reactivate it (Rules 1.5, 7, 13).

    Where E + 1 does not exist (Apia, 2011-12-30) the step is due with the day after it. Day 1 is
    E + 1 all the same. Numbers are given back, so no activation fee is due any longer (Rule 10.1).
    """
    after = subscription.expiry + _DAY
    on_time = today == local_date(first_instant(after, zone), zone)
    return replace(
        without_fees_due(subscription),
        status=Status.EXPIRED,
        renewal_failed=False,
        expired_on=after if on_time else today,
        version=subscription.version + 1,
    )


def terminate(subscription: Subscription, today: date) -> Subscription:
    """The end of a subscription (Rules 2, 8.2)."""
    return replace(
        subscription,
        status=Status.TERMINATED,
        coming=(),
        renewal_failed=False,
        terminated_on=today,
        version=subscription.version + 1,
    )


def unsubscribe(subscription: Subscription) -> Subscription:
    """Auto-renewal off. A failed renewal stays failed (Rule 8.1)."""
    return replace(subscription, auto_renew=False, version=subscription.version + 1)


def resubscribe(subscription: Subscription, now: datetime) -> Subscription:
    """Auto-renewal on. Its attempts are planned anew from now on (Rules 5.7, 8.1)."""
    return replace(
        subscription,
        auto_renew=True,
        planned_at=max(now, subscription.planned_at),
        attempted_at=None,
        version=subscription.version + 1,
    )


def with_new_expiry(
    subscription: Subscription, begin: date, now: datetime, policy_version: int, **changes: object
) -> Subscription:
    """A new *E*: nothing has failed yet, and its steps follow the policy in force (Rule 14).

    `begin`: the first day of the cycle that was paid. Pending changes hold since then (Rule 9).
    """
    if subscription.coming:
        changes["coming"] = tuple(
            replace(it, since=begin) if it.since is None else it for it in subscription.coming
        )
    return replace(
        subscription,
        **changes,  # type: ignore[arg-type]
        renewal_failed=False,
        failure=None,
        planned_at=max(now, subscription.planned_at),
        attempted_at=None,
        cycles_paid=subscription.cycles_paid + 1,
        policy_version=policy_version,
        version=subscription.version + 1,
    )


def bought(
    *,
    id_: str,
    account: str,
    sku: str,
    quantity: int,
    multiplier: int,
    addons: dict[str, int],
    numbers: dict[str, str],
    legacy: bool,
    align: bool,
    discount: Decimal,
    discount_cycles: int,
    contract: Contract | None,
    base_months: int,
    today: date,
    now: datetime,
    policy_version: int,
) -> Subscription:
    """A subscription after its purchase: anchored today, one cycle paid (Rules 1.3, 3.3).

    `id_`, `account`, `sku`, `quantity`, `multiplier`, `addons`, `numbers`, `legacy`, `align`: what
    the purchase names.
    `discount`, `discount_cycles`: percent off the fee lines of its first cycles (Rule 3.6).
    `contract`: the kind of contract it is bought under, None without one (Rule 8.3).
    `base_months`: the months of the SKU's base cycle.
    `today`, `now`: the local date and the instant (UTC) of the purchase.
    `policy_version`: the policy in force.
    Raises `Refused` 3.1 when the cycle ends beyond the calendar.
    """
    months = base_months * multiplier
    if today.year + months // 12 > LAST_YEAR:
        raise Refused(Rule.FEE_LINES, f"a cycle of {months} months ends after the year {LAST_YEAR}")
    return Subscription(
        id=id_,
        account=account,
        sku=sku,
        quantity=quantity,
        multiplier=multiplier,
        addons=addons,
        numbers=numbers,
        legacy=legacy,
        align=align,
        discount=discount,
        discount_cycles=discount_cycles if discount else 0,
        contract=contract,
        anchor=today,
        months_paid=months,
        cycle_months=months,
        expiry=add_months(today, months) - _DAY,
        cycles_paid=1,
        planned_at=now,
        policy_version=policy_version,
    )
