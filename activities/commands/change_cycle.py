"""Change the length of the cycle, from the next paid one on (Rule 9)."""

from activities.changes import record
from core.domain import changes
from core.domain.commands.change_cycle import ChangeCycle, ChangeCycleResult
from core.domain.commands.changes import When
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def change_cycle(work: Work, command: ChangeCycle, subscription: Subscription) -> CommandResult:
    """Another number of base cycles in a cycle. It costs nothing now."""
    wanted = changes.cycle_change(
        subscription, multiplier=command.multiplier, months=command.months
    )
    changed = changes.at_renewal(subscription, wanted)
    changes.check_cycle(changed, work.policy)
    months = changed.next_contents.cycle_months
    result = ChangeCycleResult(subscription=subscription.id, months=months)
    return record(
        work, command, Event.CYCLE_CHANGED, changed, result, months=months, when=When.RENEWAL
    )
