"""The failed groups of an account, which a top-up may renew (Rules 5.2, 5.4).

Worked example: s1 and s2 failed on 12-08, s3 on 12-10. The groups are s1 with s2, then s3. Under
`independent` they are s1, s2, s3.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import groupby

from core.domain.calendar import local_date
from core.domain.planner.outage import may_attempt
from core.domain.planner.renewals import renewal_date
from core.domain.policy import GroupRenewal
from core.domain.priced_group import PricedGroup, price
from core.domain.refusal import Refused
from core.domain.subscription import Account, Subscription
from core.domain.terms import Terms


def failed_groups(
    account: Account, subscriptions: Iterable[Subscription], terms: Terms, now: datetime
) -> list[list[Subscription]]:
    """The failed groups, oldest renewal date first, each by id.

    `subscriptions`: at least those that failed and renew by themselves.
    `terms`: with the policies that they follow.

    Under `independent` each subscription is a group (Rule 1.7). After *E* there is no attempt, even
    before the step that marks the subscription EXPIRED has run (Rule 1.5).
    """

    def order(subscription: Subscription) -> tuple[date, str]:
        return renewal_date(subscription, terms.policy_of(subscription)), subscription.id

    failed = [
        it
        for it in subscriptions
        if it.renewal_failed
        and it.auto_renew
        and may_attempt(it, terms.policy_of(it), account.timezone, now, suspended=account.suspended)
    ]
    failed.sort(key=order)
    if terms.policy.group_renewal is GroupRenewal.INDEPENDENT:
        return [[subscription] for subscription in failed]
    return [list(group) for _, group in groupby(failed, key=lambda it: order(it)[0])]


def retried_after_top_up(
    account: Account, subscriptions: Iterable[Subscription], terms: Terms, now: datetime
) -> Iterator[PricedGroup]:
    """The groups that a top-up may renew, oldest first, each with its fees (Rule 5.4).

    `subscriptions`, `terms`: as for `failed_groups`.

    There are none while the account is suspended, or without the policy `retry_on_top_up`. A group
    with a missing price is left out. It stays failed, and the top-up is good.
    """
    if account.suspended or not terms.policy.retry_on_top_up:
        return
    today = local_date(now, account.timezone)
    for members in failed_groups(account, subscriptions, terms, now):
        try:
            yield price(members, account, terms, today)
        except Refused:
            continue
