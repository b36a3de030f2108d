"""The retry of failed renewals after a top-up (Rule 5.4)."""

from itertools import groupby

from activities.payments import activation_fees, renew_all, renewal_lines
from core.domain import funding
from core.domain.activation_fees import total_of
from core.domain.fees import payable
from core.domain.funding import Source
from core.domain.planner.outage import may_attempt
from core.domain.planner.renewals import renewal_date
from core.domain.policy import GroupRenewal
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription
from core.ledger.unit_of_work import Work


def retry_after_top_up(work: Work) -> None:
    """Renew each failed group that the usable credits cover, oldest first (Rule 5.4).

    It charges no card. A group that the credits do not cover stays failed, without an event.
    """
    if not work.policy.retry_on_top_up or work.account.suspended:
        return
    for members in failed_groups(work):
        try:
            lines = {m.id: renewal_lines(work, m, automatic=True) for m in members}
        except Refused:
            continue  # A price is missing. The group stays failed, the top-up is good.
        activation = (total_of(activation_fees(work, member)) for member in members)
        fees = (payable(member, lines[member.id]) for member in members)
        amount = sum(fees, ZERO) + sum(activation, ZERO)
        if funding.fund(work.account, amount, work.today, card_allowed=False) is Source.WALLET:
            renew_all(work, members, lines, Rule.RETRY)


def failed_groups(work: Work) -> list[list[Subscription]]:
    """The failed groups of the account, oldest renewal date first (Rules 5.2, 5.4).

    Under `independent` each subscription is a group, ordered by id (Rule 1.7). After *E* there is
    no attempt, even before the step that marks the subscription EXPIRED has run (Rule 1.5).
    """
    failed = [
        s
        for s in work.failed()
        if may_attempt(s, work.policy_of(s), work.zone, work.now, suspended=work.account.suspended)
    ]
    if work.policy.group_renewal is GroupRenewal.INDEPENDENT:
        return [[subscription] for subscription in failed]
    return [
        list(group)
        for _, group in groupby(failed, key=lambda s: renewal_date(s, work.policy_of(s)))
    ]
