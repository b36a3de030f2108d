"""Assign: the person who uses a subscription (Rule 9)."""

from activities.people import change_people, people_of
from core.domain import people
from core.domain.commands.assign import Assign, AssignResult
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def assign(work: Work, command: Assign, subscription: Subscription) -> CommandResult:
    """Assign the subscription. Its owner stays."""
    before = people_of(work, subscription)
    after = people.assign(before, command.assignee)
    result = AssignResult(subscription=subscription.id, assignee=after.assigned_to)
    return change_people(
        work,
        command,
        subscription,
        after,
        result,
        Event.ASSIGNED,
        to=after.assigned_to or "the owner",
    )
