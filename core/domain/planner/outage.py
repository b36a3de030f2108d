"""What may still be done after an outage (Rule 13).

Worked example: expiry date 12-15, late renewals for 7 days. A first attempt that fell into the
outage is made until 12-22. From 12-23 on it is missed, and the subscription expires uncharged.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.calendar import local_date
from core.domain.policy import Policy
from core.domain.subscription import Subscription


def may_attempt(
    subscription: Subscription, policy: Policy, zone: str, now: datetime, *, suspended: bool
) -> bool:
    """Whether an attempt that is due may still be made now (Rules 1.5, 13).

    Until *E* it always may. After *E* only a first attempt may be made, while the account is not
    suspended. At most `late_renewal_days` may have passed since *E*.
    """
    today = local_date(now, zone)
    if today <= subscription.expiry:
        return True
    return (
        not subscription.renewal_failed
        and not suspended
        and today <= subscription.expiry + timedelta(days=policy.late_renewal_days)
    )


def is_late(subscription: Subscription, zone: str, now: datetime) -> bool:
    """Whether an attempt now is a late renewal, after *E*."""
    return local_date(now, zone) > subscription.expiry


def miss(subscription: Subscription, now: datetime) -> Subscription:
    """An attempt that may no longer be made. Nothing is charged, and the next step is to expire."""
    return replace(subscription, attempted_at=now, version=subscription.version + 1)
