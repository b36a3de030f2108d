"""What `renew` and `mark_failed` share: the attempt that is due, and its result."""

from collections.abc import Sequence

from core.domain import renewal_attempt as attempts
from core.domain.planner import outage
from core.domain.renewal_attempt import Attempt
from core.domain.rules import Rule
from core.domain.subscription import Failure, Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Outcome, Snapshot, StepRequest, StepResult


def due_attempt(work: Work, request: StepRequest) -> Attempt | None:
    """The attempt that is due. Returns None when the step was taken already."""
    siblings = work.group_of(request.subject.id, request.past or ())
    leader = next(s for s in siblings if s.id == request.subject.id)
    if leader.version != request.version:
        return None
    steps, terms = work.steps_of(siblings), work.terms(siblings)
    return attempts.plan(work.account, leader, siblings, steps, terms, work.now)


def missed(work: Work, attempt: Attempt) -> StepResult:
    """The leader's attempt fell into an outage and may no longer be made (Rule 13)."""
    snapshot = work.save(outage.miss(attempt.leader, work.now))
    return result(work, attempt, Outcome.DONE, [snapshot])


def failed(work: Work, attempt: Attempt, failure: Failure) -> StepResult:
    """All members of the attempt fail (Rule 5.4)."""
    changed = [_fail(work, member, failure, attempt.rule) for member in attempt.members]
    return result(work, attempt, Outcome.DONE, changed)


def _fail(work: Work, member: Subscription, failure: Failure, rule: Rule) -> Snapshot:
    after, events = attempts.fail(member, failure, rule, work.zone, work.now)
    for told in events:
        work.event(told.event, told.rule, subscription=member.id, reason=told.reason)
    return work.save(after)


def result(
    work: Work,
    attempt: Attempt,
    outcome: Outcome,
    changed: Sequence[Snapshot] = (),
    *,
    charge: str | None = None,
) -> StepResult:
    """The outcome, with the leader's snapshot apart from those of the others.

    `charge` is the key of the card charge that the members need, default None.
    """
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
