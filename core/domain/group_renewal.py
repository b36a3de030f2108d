"""The subscriptions that are funded in one sum, together or not at all (Rule 5.2).

Worked example: two subscriptions of an account both renew on 12-08. They are one group. If their
sum cannot be funded, both fail.
"""

from collections.abc import Iterable, Mapping

from core.domain.planner.renewals import renewal_date
from core.domain.policy import GroupRenewal
from core.domain.steps import Step, StepKind
from core.domain.subscription import Subscription
from core.domain.terms import Terms


def group(
    leader: Subscription,
    siblings: Iterable[Subscription],
    steps: Mapping[str, Step | None],
    terms: Terms,
) -> tuple[Subscription, ...]:
    """The leader and the subscriptions that are funded together with it, by id.

    `leader`: the subscription whose attempt is due.
    `siblings`: subscriptions of the account, at least those with the leader's renewal date.
    `steps`: the next step of the leader and of each sibling, by id.
    `terms`: the policy in force decides whether groups exist at all.

    Under `together` the group of a first attempt has all whose first attempt is due. The group of
    a retry has those that failed. An attempt of Rule 5.7 is made alone.
    """
    step = steps[leader.id]
    alone = terms.policy.group_renewal is GroupRenewal.INDEPENDENT
    if alone or step is None or step.kind is StepKind.ATTEMPT:
        return (leader,)
    on = renewal_date(leader, terms.policy_of(leader))

    def belongs(other: Subscription) -> bool:
        if not _renews_with(other, leader):
            return False
        if renewal_date(other, terms.policy_of(other)) != on:
            return False
        if step.kind is StepKind.RETRY:
            return other.renewal_failed
        theirs = steps[other.id]
        return theirs is not None and theirs.kind is StepKind.RENEW

    return tuple(sorted([leader, *filter(belongs, siblings)], key=lambda s: s.id))


def _renews_with(other: Subscription, leader: Subscription) -> bool:
    """Whether another subscription of the leader's account renews by itself."""
    return other.id != leader.id and other.account == leader.account and other.auto_renew
