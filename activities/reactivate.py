"""Reactivate: bring an expired subscription back on its old schedule (Rule 7)."""

from activities.checks import covered, on_subscription
from activities.paying import NEXT_CYCLE, Paid, done, pay
from domain import lifecycle
from domain.commands import Reactivate
from domain.messages import CommandRequest, CommandResult
from domain.pricing import cycle_lines
from domain.subscription import Subscription
from ledger.work import Ledger, Work


def reactivate(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """One full fee from credits; the period starts today, the expiry date is that of the old schedule."""
    assert isinstance(request.command, Reactivate)
    return on_subscription(ledger, request.command, request, _reactivate)


def _reactivate(work: Work, command: Reactivate, subscription: Subscription) -> CommandResult:
    active, period = lifecycle.reactivate(subscription, work.today, work.now, work.policy_version)
    paid = Paid(period, cycle_lines(subscription, work.catalog, work.account.currency, work.today))
    if command.invoice_number is None:
        covered(work, paid.fee, "7")
    facts = pay(
        work, active, [paid], purpose=NEXT_CYCLE, cycle=subscription.expiry, event="reactivated", rule="7", command=command,
        external_invoice=command.invoice_number,
    )  # fmt: skip
    return done(facts, work.save(active))
