"""The attempt to renew (Rules 5, 13).

It is made on the renewal date, as a retry, at once after a command, or late after an outage.

renew ── another step of the account is due before ──> not yet
  ├───── wallet covers the group's sum ──────────────> done
  ├───── card is needed: charge, then renew again ───> done, or declined: failed
  └───── not funded ─────────────────────────────────> failed
"""

from activities.asked_step import Asked, not_yet
from activities.numbers import hold_after_expiry
from activities.payments import renew_all
from activities.step_funding import fund
from core.domain import renewal_attempt as attempts
from core.domain.planner import outage
from core.domain.renewal_attempt import Attempt
from core.domain.rules import Rule
from core.domain.steps import of_subscription
from core.domain.subscription import Failure, Status, Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Outcome, StepResult


def renew(work: Work, asked: Asked) -> StepResult | None:
    """Renew the subscription and its group in one transaction, or mark them as failed.

    Returns None when no attempt is due.
    """
    attempt = _due_attempt(work, asked)
    if attempt is None:
        return None
    if before := asked.before({asked.subject, *(of_subscription(m.id) for m in attempt.members)}):
        return not_yet(before)
    if not attempt.members:
        work.save(outage.miss(attempt.leader, work.now))
        return _done(work, attempt)
    funded = attempt.failure or _fund(work, asked, attempt)
    if isinstance(funded, StepResult):
        return funded
    if funded is None:
        renew_all(work, attempt.group, attempt.rule)
    else:
        _fail(work, attempt, funded)
    return _done(work, attempt)


def _due_attempt(work: Work, asked: Asked) -> Attempt | None:
    siblings = work.group_of(asked.subject.id, asked.version, asked.past)
    leader = next(s for s in siblings if s.id == asked.subject.id)
    if leader.version != asked.version:
        return None
    steps, terms = work.steps_of(siblings), work.terms(siblings)
    return attempts.plan(work.account, leader, siblings, steps, terms, work.now)


def _fund(work: Work, asked: Asked, attempt: Attempt) -> StepResult | Failure | None:
    group = attempt.group
    return fund(work, asked, group.members, group.amount, group.cost)


def _fail(work: Work, attempt: Attempt, failure: Failure) -> None:
    """All members of the attempt fail (Rule 5.4). A late one is EXPIRED at once (Rule 13)."""
    for member in attempt.members:
        _fail_one(work, member, failure, attempt.rule)


def _fail_one(work: Work, member: Subscription, failure: Failure, rule: Rule) -> None:
    after, events = attempts.fail(member, failure, rule, work.zone, work.now)
    for told in events:
        work.event(told.event, told.rule, subscription=member.id, reason=told.reason)
    if after.status is Status.EXPIRED:
        hold_after_expiry(work, member, after)
    work.save(after)


def _done(work: Work, attempt: Attempt) -> StepResult:
    leader = work.subscription(attempt.leader.id)
    return StepResult(outcome=Outcome.DONE, snapshot=work.snapshot(leader))
