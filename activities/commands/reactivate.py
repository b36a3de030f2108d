"""Reactivate: bring an expired subscription back on its old schedule (Rule 7)."""

from activities.command_checks import covered
from activities.numbers import leave_with_cycle
from activities.payments import Paid, done, pay
from core.domain import reactivation
from core.domain.commands.reactivate import Reactivate
from core.domain.events import Event
from core.domain.fees import payable, period_lines
from core.domain.number_changes import has_numbers, without_lost
from core.domain.subscription import Subscription
from core.ledger import numbers
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def reactivate(work: Work, command: Reactivate, subscription: Subscription) -> CommandResult:
    """Collect one full fee from credits.

    The period starts today. The expiry date is that of the old schedule. The customer keeps those
    of its numbers that are still held for it (Rule 10.2).
    """
    back = subscription
    if has_numbers(subscription):
        back = without_lost(subscription, numbers.take_back(work, subscription.id, command.actor))
    active, period = reactivation.reactivate(back, work.today, work.now, work.policy_version)
    currency = work.account.currency
    paid = Paid(period, period_lines(active, period, work.catalog, currency, work.today))
    if command.invoice_number is None:
        covered(work, payable(active, paid.lines), command.rule)
    facts = pay(
        work,
        active,
        [paid],
        purpose=Purpose.NEXT_CYCLE,
        cycle=subscription.expiry,
        event=Event.REACTIVATED,
        rule=command.rule,
        command=command,
        external_invoice=command.invoice_number,
    )
    leave_with_cycle(work, back, period.start, command.actor)
    return done(facts, work.save(active))
