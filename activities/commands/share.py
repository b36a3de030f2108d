"""Share: a member of a subscription (Rule 9)."""

from activities.people import change_people, people_of
from core.domain import people
from core.domain.commands.share import Share, ShareResult
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def share(work: Work, command: Share, subscription: Subscription) -> CommandResult:
    """Add a member. At most 100 are allowed."""
    before = people_of(work, subscription)
    after = people.share(before, command.member)
    result = ShareResult(subscription=subscription.id, member=after.members[-1])
    return change_people(
        work, command, subscription, after, result, Event.SHARED, member=result.member
    )
