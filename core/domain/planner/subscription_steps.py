"""The steps of a subscription that move no money: what each kind changes, and its event.

The attempts to renew (`RENEWALS`) and the conversion of a trial are not here. They move money, and
they may fail.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from core.domain import lifecycle
from core.domain.events import Event
from core.domain.steps import StepKind
from core.domain.subscription import Subscription


class SubscriptionStep(NamedTuple):
    """One kind of step of a subscription.

    `change`: the subscription after the step, from today's local date and the time zone.
    `event`: the event that the step adds to the history.
    """

    change: Callable[[Subscription, date, str], Subscription]
    event: Event


SUBSCRIPTION_STEPS = {
    StepKind.EXPIRE: SubscriptionStep(lifecycle.expire, Event.EXPIRED),
    StepKind.END: SubscriptionStep(
        lambda subscription, today, _: lifecycle.terminate(subscription, today), Event.TERMINATED
    ),
}
"""Every kind of step of a subscription that moves no money."""
