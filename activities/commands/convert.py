"""Convert: pay the first cycle of a trial, from credits (Rule 4.3)."""

from activities.command_checks import covered
from activities.payments import done, first_cycle, pay
from core.domain.commands.convert import Convert
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def convert(work: Work, command: Convert, subscription: Subscription) -> CommandResult:
    """Collect the first cycle in full, at once, at today's prices.

    It starts the day after the trial's last day, or today when that is past.
    """
    converted, paid = first_cycle(work, subscription)
    if command.invoice_number is None:
        covered(work, paid.fee, command.rule)
    facts = pay(
        work,
        converted,
        [paid],
        purpose=Purpose.NEXT_CYCLE,
        cycle=subscription.expiry,
        event=Event.CONVERTED,
        rule=command.rule,
        command=command,
        external_invoice=command.invoice_number,
    )
    return done(facts, work.save(converted))
