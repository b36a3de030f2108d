"""An attempt to renew: its members, what it costs, and what a failure does.

This module owns no money and no clock (Rules 5.1 to 5.4, 5.7, 13). The use case `renew` runs what
is planned here, and the forecast predicts it.

Worked sum: two subscriptions of an account, 50.00 and 40.00, both expire on 12-15. On 12-08 they
are one attempt: the members are both, the amount is 90.00.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from core.domain import alignment, lifecycle
from core.domain.activation_fees import ActivationFee, total_of
from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.fees import Line, cost_of, payable
from core.domain.group_renewal import group
from core.domain.planner.outage import is_late, may_attempt
from core.domain.price_in_force import activation_fees, renewal_lines
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import RENEWALS, Step
from core.domain.subscription import ZERO, Account, Failure, Subscription
from core.domain.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who is attempted, at which fees, by which rule and why.

    `leader`: the subscription whose step is due.
    `members`: those that are attempted, by id. None of them when the leader may not be attempted.
    `lines`: the fee lines of each member, by id.
    `activation`: the activation fees that are charged with it, by id (Rule 10.1).
    `rule`, `why`: the rule behind the attempt, and its reason in words.
    `failure`: why the attempt fails before anything is funded, default None.
    """

    leader: Subscription
    members: tuple[Subscription, ...]
    lines: Mapping[str, list[Line]]
    rule: Rule
    why: str
    failure: Failure | None = None
    activation: Mapping[str, list[ActivationFee]] = field(default_factory=dict)

    @property
    def cost(self) -> Decimal:
        """What the seller pays its own supplier for the members together (Rule 11.5)."""
        return sum(map(cost_of, self.lines.values()), ZERO)

    @property
    def amount(self) -> Decimal:
        """*S*, what the wallet pays for the members together (Rule 5.2)."""
        return amount_of(self.members, self.lines, self.activation)


def amount_of(
    members: Iterable[Subscription],
    lines: Mapping[str, list[Line]],
    activation: Mapping[str, list[ActivationFee]],
) -> Decimal:
    """*S*, what members pay together (Rule 5.2). `lines`, `activation`: their fees, by id."""
    paid = (payable(member, lines[member.id]) for member in members if member.id in lines)
    return sum(paid, ZERO) + sum(map(total_of, activation.values()), ZERO)


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
    failure, today = None, local_date(now, account.timezone)
    try:
        lines = {
            member.id: renewal_lines(
                member, terms, account.currency, aligned=alignment.aligns(member, today)
            )
            for member in members
        }
    except Refused:
        lines, failure = {}, Failure.NO_PRICE
    return Attempt(
        leader=leader,
        members=members,
        lines=lines,
        rule=Rule.OUTAGE if late else step.rule,
        why=step.why,
        failure=failure,
        activation={
            member.id: fees
            for member in members
            if (fees := activation_fees(member, terms, account.currency))
        },
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
