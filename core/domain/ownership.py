"""Change of owner: another account pays from now on, and all else is kept (Rule 9).

Local dates are those of the new account, so its steps are planned anew in the new time zone. In
the same zone nothing is set off (Rule 5.7).

Worked example: expiry date 12-15, renewal date 12-08. The renewal failed on 12-08 in Honolulu. On
12-08 the subscription is given to an account in Paris, where 12-08 has begun. So it is attempted
at once. When the new account is in a zone where 12-08 has not begun, its retry days follow.
"""

from dataclasses import replace
from datetime import datetime

from core.domain.calendar import first_instant, local_date
from core.domain.planner.renewals import renewal_date
from core.domain.policy import Policy
from core.domain.subscription import Status, Subscription


def change_owner(
    subscription: Subscription,
    account: str,
    policy: Policy,
    now: datetime,
    *,
    zone: str,
    old_zone: str,
) -> Subscription:
    """The subscription in its new account.

    `account`: the id of the new account.
    `policy`: the policy that was in force when its *E* was set.
    `now`: the instant of the change (UTC).
    `zone`, `old_zone`: the time zones of the new and of the old account.
    """
    given = replace(subscription, account=account, version=subscription.version + 1)
    if zone == old_zone or not _is_attempted(given, policy, zone, now):
        return given
    return replace(given, planned_at=max(now, given.planned_at), attempted_at=None)


def _is_attempted(subscription: Subscription, policy: Policy, zone: str, now: datetime) -> bool:
    """Whether a renewal date that is past, with *E* still ahead, sets off an attempt (Rule 5.7)."""
    return (
        subscription.status is Status.ACTIVE
        and subscription.auto_renew
        and first_instant(renewal_date(subscription, policy), zone) <= now
        and local_date(now, zone) <= subscription.expiry
    )
