"""An attempt to renew: its members, what it costs, and what a failure does.

This module owns no money and no clock (Rules 5.1 to 5.4, 5.7, 13). The use case `renew` runs what
is planned here, and the forecast predicts it.

Worked sum: two subscriptions of an account, 50.00 and 40.00, both expire on 12-15. On 12-08 they
are one attempt: the members are both, the amount is 90.00.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain import lifecycle
from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.group_renewal import group
from core.domain.planner.outage import is_late, may_attempt
from core.domain.priced_group import PricedGroup, price
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import RENEWALS, Step
from core.domain.subscription import Account, Failure, Subscription
from core.domain.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who is attempted, at which fees, by which rule and why.

    `leader`: the subscription whose step is due.
    `group`: those that are attempted, by id, with their fees. It has no members when the leader may
    not be attempted, and no lines when the attempt has failed before anything is funded.
    `rule`, `why`: the rule behind the attempt, and its reason in words.
    `failure`: why the attempt fails before anything is funded, default None.
    """

    leader: Subscription
    group: PricedGroup
    rule: Rule
    why: str
    failure: Failure | None = None

    @property
    def members(self) -> tuple[Subscription, ...]:
        """Those that are attempted, by id."""
        return self.group.members


def plan(
    account: Account,
    leader: Subscription,
    siblings: Iterable[Subscription],
    steps: Mapping[str, Step | None],
    terms: Terms,
    now: datetime,
) -> Attempt | None:
    """The attempt that is due for the leader at an instant. Returns None when none is due.

    `account`: the account that pays.
    `leader`: the subscription whose step is due.
    `siblings`: subscriptions of the account, at least those with the leader's renewal date.
    `steps`: the next step of the leader and of each sibling, by id.
    `terms`: the catalogue and the policies.
    `now`: the instant of the attempt (UTC).

    Members that may no longer be attempted are left out (Rule 13). When the leader is one of them,
    the attempt has no members. Where a price is missing the attempt fails.
    """
    step = steps[leader.id]
    if step is None or step.kind not in RENEWALS or step.due > now:
        return None
    members = _members(account, leader, siblings, steps, terms, now)
    late = any(is_late(member, account.timezone, now) for member in members)
    failure = None
    try:
        priced = price(members, account, terms, local_date(now, account.timezone))
    except Refused:
        priced, failure = PricedGroup(members=members), Failure.NO_PRICE
    return Attempt(
        leader=leader,
        group=priced,
        rule=Rule.OUTAGE if late else step.rule,
        why=step.why,
        failure=failure,
    )


def _members(
    account: Account,
    leader: Subscription,
    siblings: Iterable[Subscription],
    steps: Mapping[str, Step | None],
    terms: Terms,
    now: datetime,
) -> tuple[Subscription, ...]:
    members = tuple(
        member
        for member in group(leader, siblings, steps, terms)
        if may_attempt(
            member, terms.policy_of(member), account.timezone, now, suspended=account.suspended
        )
    )
    return members if leader in members else ()


@dataclass(frozen=True, slots=True)
class Told:
    """An event and the rule behind it. `reason` is a failure's."""

    event: Event
    rule: Rule
    reason: Failure | None = None


def fail(
    member: Subscription, failure: Failure, rule: Rule, zone: str, now: datetime
) -> tuple[Subscription, Sequence[Told]]:
    """The member after its failed attempt, with `renewal_failed` on (Rule 5.4).

    A member that is late is EXPIRED at once, which is one change with two events (Rule 13).
    """
    failed = lifecycle.fail(member, now, failure)
    told = [Told(Event.RENEWAL_FAILED, rule, failure)]
    if is_late(member, zone, now):
        expired = lifecycle.expire(failed, local_date(now, zone), zone)
        return replace(expired, version=failed.version), [*told, Told(Event.EXPIRED, Rule.OUTAGE)]
    return failed, told
