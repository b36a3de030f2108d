"""Which step of an account comes first (Rules 1.6, 1.7).

The steps of an account that are due run in order, and they run before a command. A use case that
comes too early writes nothing and returns the step that comes first. `core.protocol.call_sequences`
takes that step and then tries again.
"""

from collections.abc import Iterable

from core.domain.steps import of_subscription
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandRequest, DueStep, StepRequest


def before_command(work: Work, request: CommandRequest) -> DueStep | None:
    """The step that runs before a command, or None.

    A command that has charged a card is asked as well. It may be retried days after the charge.
    """
    return None if request.past is None else work.first_due(request.past)


def before_step(
    work: Work, request: StepRequest, together: Iterable[Subscription] = ()
) -> DueStep | None:
    """The step that runs before the step of this request, or None.

    `together` are the subscriptions whose steps are taken with it. When one of them is first, all
    of them are.
    """
    if request.charge or request.past is None:
        return None
    first = work.first_due(request.past)
    mine = {request.subject, *(of_subscription(subscription.id) for subscription in together)}
    return None if first is None or first.subject in mine else first
