"""Which day's prices a cycle costs (Rule 3.5).

A cycle bought by a renewal, a retry, a recover or a late renewal costs the price in force on its
renewal date. Everything else costs the price of the day it is done.
"""

from core.domain.fees import Line, cycle_lines
from core.domain.planner.renewals import renewal_date
from core.domain.subscription import Subscription
from core.domain.terms import Terms


def renewal_lines(subscription: Subscription, terms: Terms, currency: str) -> list[Line]:
    """The fee lines of the next cycle at the prices of its renewal date.

    Raises `Refused` 4.1 when a price is missing.
    """
    on = renewal_date(subscription, terms.policy_of(subscription))
    return cycle_lines(subscription, terms.catalog, currency, on)
