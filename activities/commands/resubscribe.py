"""Resubscribe: auto-renewal on again (Rule 8.1)."""

from activities.payments import done, note
from core.domain import lifecycle
from core.domain.commands.resubscribe import Resubscribe
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def resubscribe(work: Work, command: Resubscribe, subscription: Subscription) -> CommandResult:
    """Switch auto-renewal on. After the renewal date, an attempt follows at once (Rule 5.7)."""
    facts = note(work, command, Event.RESUBSCRIBED, command.rule, subscription)
    return done(facts, work.save(lifecycle.resubscribe(subscription, work.now)))
