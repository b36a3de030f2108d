"""The attempt to renew (Rules 5, 13).

It is made on the renewal date, as a retry, at once after a command, or late after an outage.

renew ── another step of the account is due before ──> not yet
  ├───── wallet covers the group's sum ──────────────> done
  ├───── card is needed: charge, then renew again ───> done, or declined: failed
  └───── not funded ── mark_failed ──────────────────> failed, or funded by now: renew again
"""

from typing import assert_never

from activities import earlier_steps
from activities.payments import AccountBusy, ask_card, renew_all, take_up
from activities.steps.attempt_results import due_attempt, failed, missed, result
from activities.steps.outcomes import not_yet, stale
from core.domain import funding
from core.domain.funding import Source
from core.domain.renewal_attempt import Attempt
from core.domain.subscription import Failure
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import ChargeOutcome, Outcome, StepRequest, StepResult


def renew(ledger: Ledger, request: StepRequest) -> StepResult:
    """Renew the subscription and its group in one transaction, if their sum can be funded."""
    with ledger.work(request.now, subscription=request.subject.id) as work:
        charged = take_up(work, request.charge) if request.charge else None
        attempt = due_attempt(work, request)
        if attempt is None:
            return stale(work, request)
        if first := earlier_steps.before_step(work, request, attempt.members):
            return not_yet(work.snapshot(attempt.leader), first)
        if not attempt.members:
            return missed(work, attempt)
        source = attempt.failure or funding.fund(
            work.account, attempt.amount, work.today, card_allowed=charged is None
        )
        match source:
            case Source.WALLET:
                renewed = renew_all(work, attempt.members, attempt.lines, attempt.rule)
                return result(work, attempt, Outcome.DONE, renewed)
            case Source.CARD:
                return _by_card(work, attempt, request)
            case Failure():
                if charged is ChargeOutcome.DECLINED:
                    return failed(work, attempt, Failure.CARD_DECLINED)
                return result(work, attempt, Outcome.UNFUNDED)
            case unreachable:
                assert_never(unreachable)


def _by_card(work: Work, attempt: Attempt, request: StepRequest) -> StepResult:
    """Ask for the card charge that the members need (Rule 5.3)."""
    key = ask_card(work, attempt.members, attempt.amount)
    if key is None and request.briefly:
        raise AccountBusy(f"an earlier card charge of account {work.account.id} is still pending")
    outcome = Outcome.UNFUNDED if key is None else Outcome.NEEDS_CARD
    return result(work, attempt, outcome, charge=key)
