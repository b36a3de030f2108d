"""The steps of an account: when each kind is due, what it changes, and its event."""

from collections.abc import Callable
from typing import NamedTuple

from core.domain import auto_top_up
from core.domain.account_closing import close_for_good, closing_step
from core.domain.events import Event
from core.domain.monthly_invoice import make_invoice, monthly_step
from core.domain.policy import Policy
from core.domain.steps import Step, StepKind
from core.domain.subscription import Account


class AccountStep(NamedTuple):
    """One kind of step of an account.

    `plan`: the step of this kind that is ahead, or None.
    `change`: the account after the step.
    `event`: the event that the step adds to the history.
    """

    plan: Callable[[Account, Policy], Step | None]
    change: Callable[[Account], Account]
    event: Event


ACCOUNT_STEPS = {
    StepKind.MONTHLY_INVOICE: AccountStep(monthly_step, make_invoice, Event.INVOICED),
    StepKind.AUTO_TOP_UP: AccountStep(
        auto_top_up.top_up_step, auto_top_up.not_made, Event.AUTO_TOPPED_UP
    ),
    StepKind.CLOSE_FOR_GOOD: AccountStep(
        closing_step, close_for_good, Event.ACCOUNT_CLOSED_FOR_GOOD
    ),
}
"""Every kind of step that an account can have."""


def next_account_step(account: Account, policy: Policy) -> Step | None:
    """The first of the account's steps, by instant and then by rank. None when it has none."""
    steps = (kind.plan(account, policy) for kind in ACCOUNT_STEPS.values())
    return min(filter(None, steps), key=lambda step: (step.due, step.kind.rank), default=None)
