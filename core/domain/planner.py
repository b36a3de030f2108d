"""What is due next, and why (Rules 1.5, 5.4, 5.7, 13).

    E−14       E−7        E−5 E−3 E−1   E   E+1                     E+29
    notice     renew      retries       |   expire                  terminate

A subscription has exactly one next step until it is TERMINATED; notices are planned beside it, because they change nothing.
The planner is the only place that knows these offsets: the workflow, the simulator and the forecast ask it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.domain import lifecycle
from core.domain.calendar import first_instant, local_date
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.subscription import Status, Subscription

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a step does. `renew` is the attempt on the renewal date, `attempt` the one that a command sets off at once (Rule 5.7)."""

    RENEW = "renew"
    ATTEMPT = "attempt"
    RETRY = "retry"
    EXPIRE = "expire"
    END = "end"


class Notice(StrEnum):
    """The notices that are due at an instant of their own (Rule 12)."""

    RENEWAL = "notice_renewal"
    EXPIRING = "notice_expiring"


RENEWALS = (Kind.RENEW, Kind.ATTEMPT, Kind.RETRY)

#: The order of what is due at one instant within one account (Rule 1.7).
RANK: dict[str, int] = {
    Kind.RENEW: 1,
    Kind.ATTEMPT: 1,
    Kind.RETRY: 1,
    Kind.EXPIRE: 3,
    Kind.END: 4,
    Notice.RENEWAL: 6,
    Notice.EXPIRING: 6,
}


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing a subscription does by itself: what, the instant it is due (UTC), the rule, and why in words."""

    kind: Kind
    due: datetime
    rule: Rule
    why: str


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """A notice and the instant it is due (UTC); whether it is true is asked then (`untrue`)."""

    kind: Notice
    due: datetime


def renewal_date(subscription: Subscription, policy: Policy) -> date:
    """*E* minus the lead (Rule 1.5)."""
    return subscription.expiry - timedelta(days=policy.lead(subscription.legacy))


def next_step(subscription: Subscription, policy: Policy, zone: str) -> Step | None:
    """The next step of a subscription in its account's time zone; none when it is TERMINATED."""
    if subscription.status is Status.TERMINATED:
        return None
    if subscription.status is Status.EXPIRED:
        assert subscription.expired_on is not None
        day = subscription.expired_on + timedelta(days=policy.reactivation_days)
        return Step(
            Kind.END,
            first_instant(day, zone),
            Rule.TIMELINE,
            f"expired and not reactivated by {day - _DAY}",
        )
    return _renewal(subscription, policy, zone) or _expiry(subscription, zone)


def _renewal(subscription: Subscription, policy: Policy, zone: str) -> Step | None:
    if not subscription.auto_renew:
        return None
    on = renewal_date(subscription, policy)
    due = first_instant(on, zone)
    if subscription.attempted_at is None:
        if (
            subscription.planned_at >= due
            and local_date(subscription.planned_at, zone) <= subscription.expiry
        ):
            return Step(
                Kind.ATTEMPT,
                subscription.planned_at,
                Rule.ATTEMPT_AT_ONCE,
                f"the renewal date {on} is past, the expiry date {subscription.expiry} is not",
            )
        return Step(
            Kind.RENEW,
            due,
            Rule.RENEWAL,
            f"{on} is the renewal date of the cycle that ends on {subscription.expiry}",
        )
    for number, days in enumerate(policy.retry_days, start=1):
        retry = first_instant(on + timedelta(days=days), zone)
        if retry > subscription.attempted_at:
            return Step(
                Kind.RETRY,
                retry,
                Rule.RETRY,
                f"retry {number} of {len(policy.retry_days)}, {days} days after the renewal date {on}",
            )
    return None


def _expiry(subscription: Subscription, zone: str) -> Step:
    why = "auto-renewal is off"
    if subscription.auto_renew:
        why = (
            "the renewal failed and no retry is left"
            if subscription.renewal_failed
            else "no attempt to renew is left"
        )
    return Step(
        Kind.EXPIRE,
        first_instant(subscription.expiry + _DAY, zone),
        Rule.TIMELINE,
        f"{why}; {subscription.expiry} is the last day",
    )


def may_attempt(
    subscription: Subscription, policy: Policy, zone: str, now: datetime, *, suspended: bool
) -> bool:
    """Whether an attempt that is due may still be made now: until *E* always; after *E* only a first one that fell into an outage,
    not suspended, up to `late_renewal_days` after *E* (Rules 1.5, 13)."""
    today = local_date(now, zone)
    if today <= subscription.expiry:
        return True
    return (
        not subscription.renewal_failed
        and not suspended
        and today <= subscription.expiry + timedelta(days=policy.late_renewal_days)
    )


def is_late(subscription: Subscription, zone: str, now: datetime) -> bool:
    """Whether an attempt now is a late renewal, after *E* (Rule 13)."""
    return local_date(now, zone) > subscription.expiry


def notices(
    subscription: Subscription, policy: Policy, zone: str, now: datetime
) -> list[PlannedNotice]:
    """The notices of this *E* whose instants lie ahead (Rules 1.5, 12)."""
    if subscription.status is not Status.ACTIVE:
        return []
    today = local_date(now, zone)
    ahead = (
        (Notice.RENEWAL, renewal_date(subscription, policy), policy.renewal_notice_days),
        (Notice.EXPIRING, subscription.expiry, policy.expiring_notice_days),
    )
    # days are compared before they are subtracted: a policy may name more of them than the calendar has
    days = [
        (kind, day - timedelta(days=before))
        for kind, day, before in ahead
        if (day - today).days >= before
    ]
    planned = [PlannedNotice(kind, first_instant(day, zone)) for kind, day in days]
    return [notice for notice in planned if notice.due > now]


def untrue(
    notice: Notice,
    expiry: date,
    subscription: Subscription,
    policy: Policy,
    zone: str,
    now: datetime,
    *,
    suspended: bool,
) -> str | None:
    """Why a notice that is due is not true (any more) and is not sent; none when it is to be sent (Rules 12, 13)."""
    if subscription.status is not Status.ACTIVE:
        return f"the subscription is {subscription.status}"
    if subscription.expiry != expiry:
        return f"it is paid up to {subscription.expiry}"
    if notice is Notice.EXPIRING:
        if subscription.auto_renew:
            return "auto-renewal is on"
        return "the expiry date is past" if local_date(now, zone) > expiry else None
    if not subscription.auto_renew:
        return "auto-renewal is off"
    if suspended:
        return "the account is suspended"
    return (
        "the renewal date has come"
        if now >= first_instant(renewal_date(subscription, policy), zone)
        else None
    )


def schedule(
    subscription: Subscription, policy: Policy, zone: str, now: datetime | None = None
) -> Iterator[Step | PlannedNotice]:
    """The coming steps and notices in order, as they will be if every renewal is funded and nobody commands anything; without end
    while it renews, but that of the calendar. Notices are those after `now`; when that is not told, after the last planning or attempt."""
    since = now or max(
        subscription.planned_at, subscription.attempted_at or subscription.planned_at
    )
    while step := next_step(subscription, policy, zone):
        for notice in sorted(notices(subscription, policy, zone, since), key=lambda n: n.due):
            if (
                notice.due < step.due
                and untrue(
                    notice.kind,
                    subscription.expiry,
                    subscription,
                    policy,
                    zone,
                    notice.due,
                    suspended=False,
                )
                is None
            ):
                yield notice
        yield step
        today = local_date(step.due, zone)
        since = step.due
        match step.kind:
            case Kind.EXPIRE:
                subscription = lifecycle.expire(subscription, today, zone)
            case Kind.END:
                return
            case _:
                try:
                    subscription, _ = lifecycle.renew(
                        subscription, step.due, subscription.policy_version
                    )
                except OverflowError:
                    return
