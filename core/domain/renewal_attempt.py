"""An attempt to renew: who is attempted together, what it costs, and what a failure does (Rules 5.1 to 5.4, 5.7, 13).

Owns no money and no clock: the use case `renew` carries out what is planned here, the forecast foretells it; so neither writes it twice.

Worked sum: two subscriptions of an account, 50.00 and 40.00, both expire on 12-15. On 12-08 one attempt: members both, amount 90.00.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain import funding, lifecycle, planner
from core.domain.calendar import local_date
from core.domain.catalog import Catalog
from core.domain.events import Event
from core.domain.fees import Line, cycle_lines, total
from core.domain.planner import RENEWALS
from core.domain.policy import Policy
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Account, Failure, Subscription


@dataclass(frozen=True, slots=True)
class Terms:
    """What a seller's rules and prices are: the catalogue, the policy's versions (at least those that are needed), and which one is in force."""

    catalog: Catalog
    policies: Mapping[int, Policy]
    policy_version: int

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.policies[self.policy_version]

    def policy_of(self, subscription: Subscription) -> Policy:
        """The policy that was in force when the subscription's *E* was set (Rule 14)."""
        return self.policies[subscription.policy_version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who is attempted, by id, at which fee lines each, by which rule and why. No members: the leader may not be attempted any more.
    `failure` says why it fails before anything is funded."""

    leader: Subscription
    members: tuple[Subscription, ...]
    lines: Mapping[str, list[Line]]
    rule: Rule
    why: str
    failure: Failure | None = None

    @property
    def amount(self) -> Decimal:
        """*S*, what they cost together (Rule 5.2)."""
        return sum(map(total, self.lines.values()), ZERO)


def plan(
    account: Account,
    leader: Subscription,
    siblings: Iterable[Subscription],
    terms: Terms,
    now: datetime,
) -> Attempt | None:
    """The attempt that is due for the leader at an instant, or none. `siblings` are the account's subscriptions, at least those of its renewal date.

    Members that may no longer be attempted (Rule 13) are left out; when the leader is one, nobody is attempted with it.
    Where a price is missing the attempt fails: a step has nobody to refuse.
    """
    zone = account.timezone
    step = planner.next_step(leader, terms.policy_of(leader), zone)
    if step is None or step.kind not in RENEWALS or step.due > now:
        return None
    group = funding.group(leader, step.kind, siblings, terms.policies, terms.policy, zone)
    members = tuple(
        s
        for s in group
        if planner.may_attempt(s, terms.policy_of(s), zone, now, suspended=account.suspended)
    )
    if leader not in members:
        members = ()
    late = any(planner.is_late(member, zone, now) for member in members)
    failure = None
    try:
        lines = {member.id: renewal_lines(member, terms, account.currency) for member in members}
    except Refused:
        lines, failure = {}, Failure.NO_PRICE
    return Attempt(
        leader=leader,
        members=members,
        lines=lines,
        rule=Rule.OUTAGE if late else step.rule,
        why=step.why,
        failure=failure,
    )


def renewal_lines(subscription: Subscription, terms: Terms, currency: str) -> list[Line]:
    """The next cycle at the prices of its renewal date (Rule 3.5). Raises `Refused` 4.1 when a price is missing."""
    return cycle_lines(
        subscription,
        terms.catalog,
        currency,
        planner.renewal_date(subscription, terms.policy_of(subscription)),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An event and the rule behind it; `reason` for a failure."""

    event: Event
    rule: Rule
    reason: Failure | None = None


def fail(
    member: Subscription, failure: Failure, rule: Rule, zone: str, now: datetime
) -> tuple[Subscription, Sequence[Told]]:
    """A member whose attempt has failed: `renewal_failed`; a late one is EXPIRED at once, which is one change (Rules 5.4, 13)."""
    failed = lifecycle.fail(member, now, failure)
    told = [Told(Event.RENEWAL_FAILED, rule, failure)]
    if planner.is_late(member, zone, now):
        expired = lifecycle.expire(failed, local_date(now, zone), zone)
        return replace(expired, version=failed.version), [*told, Told(Event.EXPIRED, Rule.OUTAGE)]
    return failed, told
