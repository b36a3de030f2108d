"""The retry of failed renewals after a top-up (Rule 5.4)."""

from activities.payments import activation_fees, renew_all, renewal_lines
from core.domain import funding
from core.domain.failed_groups import failed_groups
from core.domain.fees import cost_of
from core.domain.funding import Source
from core.domain.refusal import Refused
from core.domain.renewal_attempt import amount_of
from core.domain.rules import Rule
from core.domain.subscription import ZERO
from core.ledger.unit_of_work import Work


def retry_after_top_up(work: Work) -> None:
    """Renew each failed group that the usable credits cover, oldest first (Rule 5.4).

    It charges no card. A group that the credits do not cover stays failed, without an event.
    """
    if not work.policy.retry_on_top_up or work.account.suspended:
        return
    failed = work.failed()
    for members in failed_groups(work.account, failed, work.terms(failed), work.now):
        try:
            lines = {m.id: renewal_lines(work, m, automatic=True) for m in members}
        except Refused:
            continue  # A price is missing. The group stays failed, the top-up is good.
        activation = {m.id: activation_fees(work, m) for m in members}
        amount = amount_of(members, lines, activation)
        cost = sum(map(cost_of, lines.values()), ZERO)
        source = funding.fund(work.account, amount, work.today, card_allowed=False)
        if source is Source.WALLET and work.take_cost(cost):
            renew_all(work, members, lines, Rule.RETRY)
