"""The attempt to renew: on the renewal date, a retry, at once after a command, or late after an outage (Rules 5, 13).

renew ── wallet covers the group's sum ──────────────> done
  ├───── card is needed: charge, then renew again ───> done, or declined
  └───── not funded ── mark_failed ──────────────────> failed, or funded by now: renew again
"""

from activities.paying import ask_card, renew_all, renewal_lines, take_up
from domain import funding, lifecycle, planner
from domain.funding import Source
from domain.messages import ChargeOutcome, Outcome, Snapshot, StepRequest, StepResult
from domain.planner import RENEWALS
from domain.pricing import Line, total
from domain.subscription import ZERO, Failure, Subscription
from ledger.work import Ledger, Work


def renew(ledger: Ledger, request: StepRequest) -> StepResult:
    """Renew the subscription and its group, if their sum can be funded; in one transaction, or not at all."""
    with ledger.work(request.now, subscription=request.subscription) as work:
        charged = take_up(work, request.charge) if request.charge else None
        attempt = Attempt.of(work, request)
        if attempt is None:
            return stale(work, request)
        if not attempt.members:
            return attempt.missed()
        source = funding.fund(work.account, attempt.amount, work.today, card_allowed=charged is None)
        match source:
            case Source.WALLET:
                return attempt.result(Outcome.DONE, renew_all(work, attempt.members, attempt.lines, attempt.rule))
            case Source.CARD:
                return attempt.result(Outcome.NEEDS_CARD, charge=ask_card(work, attempt.members, attempt.amount))
            case Failure():
                return attempt.result(Outcome.UNFUNDED)


def mark_failed(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription and its group as failed to renew; a late one is EXPIRED at once (Rules 5.4, 13). Asks once more whether the sum
    can be funded: a top-up may have come in between."""
    with ledger.work(request.now, subscription=request.subscription) as work:
        declined = request.charge is not None and take_up(work, request.charge) is ChargeOutcome.DECLINED
        attempt = Attempt.of(work, request)
        if attempt is None:
            return stale(work, request)
        if not attempt.members:
            return attempt.missed()
        source = funding.fund(work.account, attempt.amount, work.today, card_allowed=False)
        if source is Source.WALLET:
            return attempt.result(Outcome.FUNDED)
        failure = Failure.CARD_DECLINED if declined else Failure(source)
        return attempt.result(Outcome.DONE, [_failed(work, member, failure, attempt.rule) for member in attempt.members])


def _failed(work: Work, member: Subscription, failure: Failure, rule: str) -> Snapshot:
    failed = lifecycle.fail(member, work.now, failure)
    work.event("renewal_failed", rule, subscription=member.id, reason=failure)
    if planner.is_late(member, work.zone, work.now):
        failed = lifecycle.expire(failed, work.today)
        work.event("expired", "13", subscription=member.id)
    return work.save(failed)


class Attempt:
    """Who is attempted, and what it costs."""

    def __init__(self, work: Work, leader: Subscription, members: tuple[Subscription, ...], rule: str) -> None:
        self.work = work
        self.leader = leader
        self.members = members
        self.rule = "13" if any(planner.is_late(m, work.zone, work.now) for m in members) else rule
        self.lines: dict[str, list[Line]] = {member.id: renewal_lines(work, member) for member in members}
        self.amount = sum(map(total, self.lines.values()), ZERO)

    @classmethod
    def of(cls, work: Work, request: StepRequest) -> "Attempt | None":
        """The attempt that is due, or none when the step was taken already. Members that may no longer be attempted (Rule 13) are left out;
        when the leader is one, nobody is attempted with it."""
        siblings = work.group_of(request.subscription)
        leader = next(s for s in siblings if s.id == request.subscription)
        step = planner.next_step(leader, work.policy_of(leader), work.zone)
        if leader.version != request.version or step is None or step.kind not in RENEWALS or step.due > work.now:
            return None
        group = funding.group(leader, step.kind, siblings, work.policies_of(siblings), work.policy, work.zone)
        members = tuple(
            s for s in group if planner.may_attempt(s, work.policy_of(s), work.zone, work.now, suspended=work.account.suspended)
        )
        return cls(work, leader, members if leader in members else (), step.rule)

    def missed(self) -> StepResult:
        """The leader's attempt fell into an outage and may not be made any more: what is left is to expire (Rule 13)."""
        return self.result(Outcome.DONE, [self.work.save(lifecycle.miss(self.leader, self.work.now))])

    def result(self, outcome: Outcome, changed: "list[Snapshot] | None" = None, charge: str | None = None) -> StepResult:
        """The outcome with the leader's snapshot apart from the others'."""
        changed = changed or [self.work.snapshot(self.leader)]
        mine = next(s for s in changed if s.subscription.id == self.leader.id)
        return StepResult(outcome=outcome, snapshot=mine, others=tuple(s for s in changed if s is not mine), charge=charge)


def stale(work: Work, request: StepRequest) -> StepResult:
    """Somebody else has taken the step; the snapshot says what is next."""
    return StepResult(outcome=Outcome.STALE, snapshot=work.snapshot(work.subscription(request.subscription)))
