"""How a step is funded: from the wallet, or by the card, which is charged first (Rule 5.3)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from activities.asked_step import Asked
from activities.card_charges import AccountBusy, ask_card
from core.domain import funding
from core.domain.funding import Source
from core.domain.subscription import Failure, Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import ChargeOutcome, Outcome, StepResult


def fund(
    work: Work, asked: Asked, members: Sequence[Subscription], amount: Decimal, cost: Decimal
) -> StepResult | Failure | None:
    """Find out how the sum of a step is funded.

    `members`: the subscriptions that the sum is for.
    `cost`: what the seller pays for it. If its own wallet does not cover that, nothing is funded,
    and no card is tried (Rule 11.5).

    Returns None when the wallet covers the sum. Returns the result of the step when the card must
    be charged first, and else why the sum cannot be funded. Raises `AccountBusy` when another
    charge of the account is pending.
    """
    allowed = asked.charged is None
    match funding.fund(work.account, amount, work.today, card_allowed=allowed):
        case Source.WALLET:
            return None if work.take_cost(cost) else Failure.NO_CREDITS
        case Source.CARD if not work.seller_covers(cost):
            return Failure.NO_CREDITS
        case Source.CARD if asked.along:
            return StepResult(outcome=Outcome.NEEDS_CARD)
        case Source.CARD:
            if key := ask_card(work, members, amount):
                return StepResult(outcome=Outcome.NEEDS_CARD, charge=key)
            # The open charge of the members is for another card or amount.
            if asked.briefly:
                raise AccountBusy(f"a card charge of account {work.account.id} is still pending")
            return Failure.NO_CREDITS
        case Failure() as failure:
            declined = asked.charged is ChargeOutcome.DECLINED
            return Failure.CARD_DECLINED if declined else failure
        case unreachable:
            assert_never(unreachable)
