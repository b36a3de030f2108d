"""Unsubscribe and resubscribe: auto-renewal off and on (Rule 8.1)."""

from activities.command_checks import on_subscription
from activities.payments import done, note
from core.domain import lifecycle
from core.domain.commands import Resubscribe, Unsubscribe
from core.domain.events import Event
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandRequest, CommandResult


def unsubscribe(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Auto-renewal off: it runs to its expiry date, nothing is refunded."""

    def carry_out(work: Work, command: Unsubscribe, subscription: Subscription) -> CommandResult:
        return done(
            note(work, command, Event.UNSUBSCRIBED, Rule.AUTO_RENEWAL, subscription),
            work.save(lifecycle.unsubscribe(subscription)),
        )

    assert isinstance(request.command, Unsubscribe)
    return on_subscription(ledger, request.command, request, carry_out)


def resubscribe(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Auto-renewal on; when the renewal date is past, the next step is an attempt at once (Rule 5.7)."""

    def carry_out(work: Work, command: Resubscribe, subscription: Subscription) -> CommandResult:
        return done(
            note(work, command, Event.RESUBSCRIBED, Rule.AUTO_RENEWAL, subscription),
            work.save(lifecycle.resubscribe(subscription, work.now)),
        )

    assert isinstance(request.command, Resubscribe)
    return on_subscription(ledger, request.command, request, carry_out)
