"""Extend: pay in advance, whole cycles or up to a day (Rule 6.2)."""

from activities.command_checks import covered
from activities.numbers import leave_with_cycle
from activities.payments import Paid, done, pay
from core.domain import extension
from core.domain.activation_fees import fees_of, total_of
from core.domain.commands.extend import Extend
from core.domain.events import Event
from core.domain.fees import payable, period_lines
from core.domain.number_changes import activated_with_next_cycle
from core.domain.refusal import Refused
from core.domain.subscription import ZERO, Subscription
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def extend(work: Work, command: Extend, subscription: Subscription) -> CommandResult:
    """Move *E* by whole cycles, a period and a fee each, or to a day, one period. One invoice."""
    extended, paid = _extended(work, command, subscription)
    numbers = activated_with_next_cycle(subscription)
    activation = fees_of(numbers, work.catalog, work.account.currency, work.today)
    if command.invoice_number is None:
        cost = sum((payable(extended, p.lines) for p in paid), ZERO)
        covered(work, cost + total_of(activation), command.rule)
    facts = pay(
        work,
        extended,
        paid,
        purpose=Purpose.NEXT_CYCLE,
        cycle=subscription.expiry,
        event=Event.EXTENDED,
        rule=command.rule,
        command=command,
        external_invoice=command.invoice_number,
        activation=activation,
    )
    leave_with_cycle(work, subscription, paid[0].period.start, command.actor)
    return done(facts, work.save(extended))


def _extended(
    work: Work, command: Extend, subscription: Subscription
) -> tuple[Subscription, list[Paid]]:
    """The subscription as extended, and its new periods at today's prices.

    Raises `Refused` 6.2 for arguments that cannot be.
    """
    if (command.cycles is None) == (command.to is None):
        raise Refused(command.rule, "either a number of cycles or a day, not both")
    catalog, currency = work.catalog, work.account.currency
    if command.to is not None:
        extended, period = extension.extend_to(
            subscription, command.to, work.now, work.policy_version
        )
        return extended, [
            Paid(period, period_lines(extended, period, catalog, currency, work.today))
        ]
    cycles = command.cycles or 0
    if cycles < 1:
        raise Refused(command.rule, f"{cycles} cycles: at least 1")
    extended, periods = extension.extend(subscription, cycles, work.now, work.policy_version)
    return extended, [
        Paid(period, period_lines(extended, period, catalog, currency, work.today))
        for period in periods
    ]
