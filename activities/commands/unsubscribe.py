"""Unsubscribe: auto-renewal off (Rule 8.1)."""

from activities.payments import done, note
from core.domain import lifecycle
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def unsubscribe(work: Work, command: Unsubscribe, subscription: Subscription) -> CommandResult:
    """Switch auto-renewal off. The subscription runs to its expiry date without a refund."""
    facts = note(work, command, Event.UNSUBSCRIBED, command.rule, subscription)
    return done(facts, work.save(lifecycle.unsubscribe(subscription)))
