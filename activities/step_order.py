"""Whose turn it is in an account, by whatever clock it lives: what is due is taken in order, and before a command (Rules 1.6, 1.7).

A use case that comes too early writes nothing and answers the step that comes first; `core.protocol.call_sequences` takes that, then asks again.
"""

from collections.abc import Iterable

from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandRequest, DueStep, StepRequest


def before_command(work: Work, request: CommandRequest) -> DueStep | None:
    """The step that is taken before a command of this instant; none when its turn has come. Once its card was charged, it has."""
    return None if request.charge or request.past is None else work.first_due(request.past)


def before_step(
    work: Work, request: StepRequest, together: Iterable[Subscription] = ()
) -> DueStep | None:
    """The step that is taken before the one of this request; none when its turn has come. `together` are those that are taken with it: when one of
    them is first, all are."""
    if request.charge or request.past is None:
        return None
    first = work.first_due(request.past)
    mine = {request.subscription, *(subscription.id for subscription in together)}
    return None if first is None or first.subscription in mine else first
