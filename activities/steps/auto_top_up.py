"""The automatic top-up: the card is charged the amount of the last top-up (Rule 11.2).

auto_top_up ── another step of the account is due before ──> not yet
  ├───── card or switch is gone, or suspended ──────────────> nothing is charged
  └───── charge the card, and book it (payments.take_up) ───> topped up, or declined
"""

from activities.asked_step import Asked, due_account_step, not_yet
from activities.card_charges import ask_top_up
from core.domain import auto_top_up as top_ups
from core.domain.steps import StepKind
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Outcome, StepResult


def auto_top_up(work: Work, asked: Asked) -> StepResult | None:
    """Ask for the charge that the account needs.

    The outcome is booked before this is run again, and ends the step in any case. Returns None when
    no top-up is due.
    """
    if due_account_step(work, asked, StepKind.AUTO_TOP_UP) is None:
        return None
    if before := asked.before([asked.subject]):
        return not_yet(before)
    account = work.account
    if not top_ups.is_possible(account):
        snapshot = work.save_account(top_ups.not_made(account))
        return StepResult(outcome=Outcome.DONE, snapshot=snapshot)
    if asked.along:
        return StepResult(outcome=Outcome.NEEDS_CARD)
    assert account.last_top_up is not None
    return StepResult(outcome=Outcome.NEEDS_CARD, charge=ask_top_up(work, account.last_top_up))
