"""Reactivate: bring an expired subscription back on its old schedule (Rule 7)."""

from activities.command_checks import covered, on_subscription
from activities.payments import Paid, done, pay
from core.domain import reactivation
from core.domain.commands import Reactivate
from core.domain.events import Event
from core.domain.fees import cycle_lines
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger.double_entry import Purpose
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandRequest, CommandResult


def reactivate(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """One full fee from credits; the period starts today, the expiry date is that of the old schedule."""
    assert isinstance(request.command, Reactivate)
    return on_subscription(ledger, request.command, request, _reactivate)


def _reactivate(work: Work, command: Reactivate, subscription: Subscription) -> CommandResult:
    active, period = reactivation.reactivate(
        subscription, work.today, work.now, work.policy_version
    )
    paid = Paid(period, cycle_lines(subscription, work.catalog, work.account.currency, work.today))
    if command.invoice_number is None:
        covered(work, paid.fee, Rule.REACTIVATE)
    facts = pay(
        work,
        active,
        [paid],
        purpose=Purpose.NEXT_CYCLE,
        cycle=subscription.expiry,
        event=Event.REACTIVATED,
        rule=Rule.REACTIVATE,
        command=command,
        external_invoice=command.invoice_number,
    )
    return done(facts, work.save(active))
