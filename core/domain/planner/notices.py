"""The notices that have an instant of their own, and whether they are still true (Rule 12)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from core.domain.calendar import first_instant, local_date
from core.domain.planner.renewals import renewal_date
from core.domain.policy import Policy
from core.domain.subscription import Status, Subscription
from core.domain.worded_enum import Worded


class Notice(Worded):
    """The kinds of notices: the value and what the notice does, in words."""

    RENEWAL = "notice_renewal", "tell the customer that it renews"
    EXPIRING = "notice_expiring", "tell the customer that it expires"
    TRIAL_ENDING = "notice_trial_ending", "tell the customer that the trial ends"


class MessageState(StrEnum):
    """What became of a planned notice: it was sent, or it was dropped because it was not true."""

    PLANNED = "planned"
    SENT = "sent"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """A notice and the instant it is due (UTC). Whether it is true is checked then (`untrue`)."""

    kind: Notice
    due: datetime


def planned_notices(
    subscription: Subscription, policy: Policy, zone: str, now: datetime
) -> list[PlannedNotice]:
    """The notices of this *E* whose instants lie ahead (Rules 1.5, 12)."""
    if subscription.status is not Status.ACTIVE:
        return []
    today = local_date(now, zone)
    # Days are compared before they are subtracted. A policy may name more days than a date allows.
    return [
        PlannedNotice(kind, first_instant(day - timedelta(days=before), zone))
        for kind, day, before in _ahead(subscription, policy)
        if (day - today).days > before
    ]


def _ahead(subscription: Subscription, policy: Policy) -> list[tuple[Notice, date, int]]:
    """The kinds of notices of this *E*, each with a day and how many days before it."""
    if subscription.trial:
        return [(Notice.TRIAL_ENDING, subscription.expiry, policy.expiring_notice_days)]
    return [
        (Notice.RENEWAL, renewal_date(subscription, policy), policy.renewal_notice_days),
        (Notice.EXPIRING, subscription.expiry, policy.expiring_notice_days),
    ]


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
    """Why a notice that is due is not sent, in words. Returns None when it is true (Rules 12, 13).

    `notice`: the kind of notice.
    `expiry`: the *E* for which the notice was planned.
    `subscription`, `policy`: the subscription as it is now, and the policy of its *E*.
    `zone`: the account's time zone.
    `now`: the instant at which the notice is checked (UTC).
    `suspended`: whether the account is suspended.
    """
    if subscription.status is not Status.ACTIVE:
        return f"the subscription is {subscription.status}"
    if subscription.expiry != expiry:
        return f"it is paid up to {subscription.expiry}"
    match notice:
        case Notice.RENEWAL:
            return _untrue_renewal(subscription, policy, zone, now, suspended=suspended)
        case Notice.EXPIRING if subscription.auto_renew:
            return "auto-renewal is on"
        case Notice.EXPIRING | Notice.TRIAL_ENDING:
            return "the expiry date is past" if local_date(now, zone) > expiry else None
        case unreachable:
            assert_never(unreachable)


def _untrue_renewal(
    subscription: Subscription, policy: Policy, zone: str, now: datetime, *, suspended: bool
) -> str | None:
    if not subscription.auto_renew:
        return "auto-renewal is off"
    if suspended:
        return "the account is suspended"
    if now >= first_instant(renewal_date(subscription, policy), zone):
        return "the renewal date has come"
    return None
