"""Unshare: a member leaves a subscription (Rule 9)."""

from activities.people import change_people, people_of
from core.domain import people
from core.domain.commands.unshare import Unshare, UnshareResult
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def unshare(work: Work, command: Unshare, subscription: Subscription) -> CommandResult:
    """Take a member away."""
    before = people_of(work, subscription)
    after = people.unshare(before, command.member)
    [member] = [known for known in before.members if known not in after.members]
    result = UnshareResult(subscription=subscription.id, member=member)
    return change_people(work, command, subscription, after, result, Event.UNSHARED, member=member)
