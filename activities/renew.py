"""The attempt to renew: on the renewal date, a retry, at once after a command, or late after an outage (Rules 5, 13).

renew ── another step of the account is due before ──> not yet
  ├───── wallet covers the group's sum ──────────────> done
  ├───── card is needed: charge, then renew again ───> done, or declined: failed
  └───── not funded ── mark_failed ──────────────────> failed, or funded by now: renew again
"""

from collections.abc import Sequence

from activities import step_order
from activities.payments import AccountBusy, ask_card, renew_all, take_up
from core.domain import funding, lifecycle
from core.domain import renewal_attempt as attempts
from core.domain.funding import Source
from core.domain.renewal_attempt import Attempt
from core.domain.rules import Rule
from core.domain.subscription import Failure, Subscription
from core.ledger.unit_of_work import Ledger, Work
from core.protocol.activity_messages import (
    ChargeOutcome,
    DueStep,
    Outcome,
    Snapshot,
    StepRequest,
    StepResult,
)


def renew(ledger: Ledger, request: StepRequest) -> StepResult:
    """Renew the subscription and its group, if their sum can be funded; in one transaction, or not at all."""
    with ledger.work(request.now, subscription=request.subscription) as work:
        charged = take_up(work, request.charge) if request.charge else None
        attempt = _due(work, request)
        if attempt is None:
            return stale(work, request)
        if first := step_order.before_step(work, request, attempt.members):
            return not_yet(work, attempt.leader, first)
        if not attempt.members:
            return _missed(work, attempt)
        source = attempt.failure or funding.fund(
            work.account, attempt.amount, work.today, card_allowed=charged is None
        )
        match source:
            case Source.WALLET:
                return _result(
                    work,
                    attempt,
                    Outcome.DONE,
                    renew_all(work, attempt.members, attempt.lines, attempt.rule),
                )
            case Source.CARD:
                key = ask_card(work, attempt.members, attempt.amount)
                if key is None and request.briefly:
                    raise AccountBusy(
                        f"an earlier card charge of account {work.account.id} is not settled yet"
                    )
                return _result(
                    work,
                    attempt,
                    Outcome.UNFUNDED if key is None else Outcome.NEEDS_CARD,
                    charge=key,
                )
            case Failure() if charged is ChargeOutcome.DECLINED:
                return _fail(work, attempt, Failure.CARD_DECLINED)
            case Failure():
                return _result(work, attempt, Outcome.UNFUNDED)


def mark_failed(ledger: Ledger, request: StepRequest) -> StepResult:
    """Mark the subscription and its group as failed to renew; a late one is EXPIRED at once (Rules 5.4, 13). Asks once more whether the sum
    can be funded: a top-up may have come in between."""
    with ledger.work(request.now, subscription=request.subscription) as work:
        declined = (
            request.charge is not None and take_up(work, request.charge) is ChargeOutcome.DECLINED
        )
        attempt = _due(work, request)
        if attempt is None:
            return stale(work, request)
        if not attempt.members:
            return _missed(work, attempt)
        source = attempt.failure or funding.fund(
            work.account, attempt.amount, work.today, card_allowed=False
        )
        if source is Source.WALLET:
            return _result(work, attempt, Outcome.FUNDED)
        return _fail(work, attempt, Failure.CARD_DECLINED if declined else Failure(source))


def _fail(work: Work, attempt: Attempt, failure: Failure) -> StepResult:
    return _result(
        work,
        attempt,
        Outcome.DONE,
        [_failed(work, member, failure, attempt.rule) for member in attempt.members],
    )


def _failed(work: Work, member: Subscription, failure: Failure, rule: Rule) -> Snapshot:
    failed, events = attempts.fail(member, failure, rule, work.zone, work.now)
    for told in events:
        work.event(told.event, told.rule, subscription=member.id, reason=told.reason)
    return work.save(failed)


def _due(work: Work, request: StepRequest) -> Attempt | None:
    """The attempt that is due, or none when the step was taken already."""
    siblings = work.group_of(request.subscription)
    leader = next(s for s in siblings if s.id == request.subscription)
    if leader.version != request.version:
        return None
    return attempts.plan(work.account, leader, siblings, work.terms(siblings), work.now)


def _missed(work: Work, attempt: Attempt) -> StepResult:
    """The leader's attempt fell into an outage and may not be made any more: what is left is to expire (Rule 13)."""
    return _result(
        work, attempt, Outcome.DONE, [work.save(lifecycle.miss(attempt.leader, work.now))]
    )


def _result(
    work: Work,
    attempt: Attempt,
    outcome: Outcome,
    changed: Sequence[Snapshot] = (),
    *,
    charge: str | None = None,
) -> StepResult:
    """The outcome with the leader's snapshot apart from the others'."""
    mine = next((s for s in changed if s.subscription.id == attempt.leader.id), None)
    others = tuple(s for s in changed if s is not mine)
    members = tuple(member.id for member in attempt.members) if charge else ()
    return StepResult(
        outcome=outcome,
        snapshot=mine or work.snapshot(attempt.leader),
        others=others,
        charge=charge,
        members=members,
    )


def not_yet(work: Work, subscription: Subscription, first: DueStep) -> StepResult:
    """Another step of the account comes first."""
    return StepResult(outcome=Outcome.NOT_YET, snapshot=work.snapshot(subscription), first=first)


def stale(work: Work, request: StepRequest) -> StepResult:
    """Somebody else has taken the step; the snapshot says what is next."""
    return StepResult(
        outcome=Outcome.STALE, snapshot=work.snapshot(work.subscription(request.subscription))
    )
