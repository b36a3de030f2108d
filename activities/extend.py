"""Extend: pay in advance, whole cycles or up to a day (Rule 6.2)."""

from activities.checks import covered, on_subscription
from activities.paying import NEXT_CYCLE, Paid, done, pay
from domain import lifecycle
from domain.commands import Extend
from domain.messages import CommandRequest, CommandResult
from domain.pricing import cycle_lines, extension_lines
from domain.refusal import Refused
from domain.subscription import ZERO, Subscription
from ledger.work import Ledger, Work


def extend(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Move *E* by whole cycles, a period and a fee each, or to a day, one period; one invoice."""
    assert isinstance(request.command, Extend)
    return on_subscription(ledger, request.command, request, _extend)


def _extend(work: Work, command: Extend, subscription: Subscription) -> CommandResult:
    extended, paid = quote(work, command, subscription)
    if command.invoice_number is None:
        covered(work, sum((p.fee for p in paid), ZERO), "6.2")
    facts = pay(
        work, extended, paid, purpose=NEXT_CYCLE, cycle=subscription.expiry, event="extended", rule="6.2", command=command,
        external_invoice=command.invoice_number,
    )  # fmt: skip
    return done(facts, work.save(extended))


def quote(work: Work, command: Extend, subscription: Subscription) -> tuple[Subscription, list[Paid]]:
    """What the extension leads to and costs, at today's prices. Raises `Refused` 6.2 for arguments that cannot be."""
    if (command.cycles is None) == (command.to is None):
        raise Refused("6.2", "either a number of cycles or a day, not both")
    catalog, currency = work.catalog, work.account.currency
    if command.to is not None:
        extended, period = lifecycle.extend_to(subscription, command.to, work.now, work.policy_version)
        return extended, [Paid(period, extension_lines(subscription, catalog, currency, work.today, command.to))]
    cycles = command.cycles or 0
    if cycles < 1:
        raise Refused("6.2", f"{cycles} cycles: at least 1")
    extended, periods = lifecycle.extend(subscription, cycles, work.now, work.policy_version)
    lines = cycle_lines(subscription, catalog, currency, work.today)
    return extended, [Paid(period, lines) for period in periods]
