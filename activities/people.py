"""What the commands share that change the people of a subscription (Rule 9).

People are no part of a subscription's state. So no step, no workflow and no price knows them, and
the version of the subscription stays.
"""

from typing import Any

from sqlalchemy import bindparam, select, update

from core.domain import commands
from core.domain.commands.base import Result, SubscriptionCommand
from core.domain.events import Event
from core.domain.people import People
from core.domain.subscription import Subscription
from core.ledger.double_entry import Purpose
from core.ledger.tables import SubscriptionRow
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult

_ONE = SubscriptionRow.id == bindparam("of")
_PEOPLE = select(SubscriptionRow.assigned_to, SubscriptionRow.members).where(_ONE)


def people_of(work: Work, subscription: Subscription) -> People:
    """The people of a subscription of the account."""
    row = work.connection.execute(_PEOPLE, {"of": subscription.id}).one()
    return People(row.assigned_to, tuple(row.members or ()))


def change_people(
    work: Work,
    command: SubscriptionCommand,
    subscription: Subscription,
    people: People,
    result: Result,
    event: Event,
    **facts: Any,
) -> CommandResult:
    """Store the people at once, and put the change on record with who, when and what."""
    changed = {"assigned_to": people.assigned_to, "members": list(people.members) or None}
    work.connection.execute(
        update(SubscriptionRow).where(_ONE).values(**changed), {"of": subscription.id}
    )
    operation = work.operation(
        Purpose.CHANGE, commands.stored(result), subscription=subscription.id, command=command
    )
    work.event(
        event,
        command.rule,
        subscription=subscription.id,
        actor=command.actor,
        operation=operation,
        **facts,
    )
    return CommandResult(result=result, snapshot=work.snapshot(subscription))
