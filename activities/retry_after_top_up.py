"""The retry of failed renewals after a top-up (Rule 5.4)."""

from activities.payments import renew_all
from core.domain.failed_groups import retried_after_top_up as groups_to_retry
from core.domain.rules import Rule
from core.ledger.unit_of_work import Work


def retry_after_top_up(work: Work) -> None:
    """Renew each failed group that the usable credits cover, oldest first (Rule 5.4).

    It charges no card. A group that the credits, or the seller's own wallet, do not cover stays
    failed, without an event.
    """
    if not work.policy.retry_on_top_up:
        return
    failed = work.failed()
    for group in groups_to_retry(work.account, failed, work.terms(failed), work.now):
        if group.covered_by(work.account, work.today) and work.take_cost(group.cost):
            renew_all(work, group, Rule.RETRY)
