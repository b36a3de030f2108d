"""The order of what is due at one instant within one account (Rule 1.7).

First by rank (`StepKind.rank`), then renewals by their renewal date, oldest first, then by id.
Notices come last.
"""

from datetime import date

from core.domain.planner.notices import PlannedNotice
from core.domain.planner.renewals import renewal_date
from core.domain.policy import Policy
from core.domain.steps import NOTICES_RANK, RENEWALS, Step, StepKind
from core.domain.subscription import Subscription


def by_date(kind: StepKind, subscription: Subscription, policy: Policy) -> date | None:
    """The date that orders steps of one rank: the renewal date of a renewal, else None."""
    return renewal_date(subscription, policy) if kind in RENEWALS else None


def place(
    what: Step | PlannedNotice, subscription: Subscription, policy: Policy
) -> tuple[int, date, str]:
    """The place of a step or notice among those of its account at the same instant."""
    if isinstance(what, PlannedNotice):
        return NOTICES_RANK, date.min, subscription.id
    on = by_date(what.kind, subscription, policy)
    return what.kind.rank, on or date.min, subscription.id
