"""Unsubscribe and resubscribe: auto-renewal off and on (Rule 8.1)."""

from activities.checks import on_subscription
from activities.paying import done, note
from domain import lifecycle
from domain.commands import Resubscribe, Unsubscribe
from domain.messages import CommandRequest, CommandResult
from domain.subscription import Subscription
from ledger.work import Ledger, Work


def unsubscribe(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Auto-renewal off: it runs to its expiry date, nothing is refunded."""

    def carry_out(work: Work, command: Unsubscribe, subscription: Subscription) -> CommandResult:
        return done(note(work, command, "unsubscribed", "8.1", subscription), work.save(lifecycle.unsubscribe(subscription)))

    assert isinstance(request.command, Unsubscribe)
    return on_subscription(ledger, request.command, request, carry_out)


def resubscribe(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Auto-renewal on; when the renewal date is past, the next step is an attempt at once (Rule 5.7)."""

    def carry_out(work: Work, command: Resubscribe, subscription: Subscription) -> CommandResult:
        return done(note(work, command, "resubscribed", "8.1", subscription), work.save(lifecycle.resubscribe(subscription, work.now)))

    assert isinstance(request.command, Resubscribe)
    return on_subscription(ledger, request.command, request, carry_out)
