"""Which day's prices a cycle costs (Rule 3.5).

A cycle bought by a renewal, a retry, a recover or a late renewal costs the price in force on its
renewal date. Everything else costs the price of the day it is done.
"""

from datetime import date

from core.domain import alignment
from core.domain.activation_fees import ActivationFee, fees_of
from core.domain.catalog import Catalog
from core.domain.fees import Known, Line, next_cycle_lines
from core.domain.number_changes import activated_with_next_cycle
from core.domain.planner.renewals import renewal_date
from core.domain.subscription import Status, Subscription
from core.domain.terms import Terms


def renewal_lines(
    subscription: Subscription,
    terms: Terms,
    currency: str,
    *,
    aligned: bool = False,
    known: Known | None = None,
) -> list[Line]:
    """The fee lines of the next cycle at the prices of its renewal date.

    `aligned`: it is an automatic renewal that moves *E* to a month end (Rule 5.5), default False.
    `known`: as in `lines_of`. Members of a group mostly have equal parts.
    Raises `Refused` 4.1 when a price is missing.
    """
    on = renewal_date(subscription, terms.policy_of(subscription))
    months = alignment.price_months(subscription) if aligned else None
    return next_cycle_lines(subscription, terms.catalog, currency, on, months, known)


def activation_fees(subscription: Subscription, terms: Terms, currency: str) -> list[ActivationFee]:
    """The activation fees that are charged with the next cycle, at the prices of its renewal date.

    So a retry costs what the first attempt has cost (Rules 3.5, 10.1).
    """
    on = renewal_date(subscription, terms.policy_of(subscription))
    return fees_of(activated_with_next_cycle(subscription), terms.catalog, currency, on)


def next_fee_lines(
    subscription: Subscription, catalog: Catalog, currency: str, today: date
) -> list[Line]:
    """What the next paid cycle costs at today's prices.

    It is the next automatic renewal of an ACTIVE subscription, the first paid cycle of a trial, and
    the reactivation of an EXPIRED one. Raises `Refused` 4.1 when a price is missing.
    """
    renews = subscription.status is Status.ACTIVE and not subscription.trial
    aligned = renews and alignment.aligns(subscription, subscription.expiry)
    months = alignment.price_months(subscription) if aligned else None
    return next_cycle_lines(subscription, catalog, currency, today, months)
