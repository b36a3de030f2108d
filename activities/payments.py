"""What the use cases that charge money share.

They pay for periods, renew the members of a group, and convert a trial. A subscription has one
operation for each cycle and purpose, so a second payment is impossible (Rule 11.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from activities.numbers import charge_activation, leave_with_cycle
from core.domain import alignment, price_in_force, trial
from core.domain.activation_fees import ActivationFee, total_of
from core.domain.commands import AnyCommand, restored
from core.domain.events import Event
from core.domain.fees import Line, cost_of, period_lines, total
from core.domain.priced_group import PricedGroup
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Contract, Period, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult, Snapshot


@dataclass(frozen=True, slots=True)
class Paid:
    """A period and its fee lines."""

    period: Period
    lines: list[Line]

    @property
    def fee(self) -> Decimal:
        """The sum of its lines."""
        return total(self.lines)


def pay(
    work: Work,
    subscription: Subscription,
    paid: Iterable[Paid],
    *,
    purpose: Purpose,
    cycle: date,
    event: Event,
    rule: Rule,
    command: AnyCommand | None = None,
    external_invoice: str | None = None,
    activation: Sequence[ActivationFee] = (),
    more: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Charge the wallet for periods of a subscription (Rules 11.3, 11.4).

    `work`: the unit of work on the account that pays.
    `subscription`: the subscription as it is after the payment.
    `paid`: the periods with their fee lines.
    `purpose`, `cycle`: what makes the operation unique, with the subscription.
    `event`, `rule`: the line of the history.
    `command`: the command behind it, default None for a step.
    `external_invoice`: the number of an external invoice that pays instead of the wallet.
    `activation`: the activation fees that are charged with it, if the wallet pays. Default none.
    `more`: more facts of the result, default none.

    Returns the facts that the operation keeps as its result. There is one invoice, none when an
    external invoice pays. Under a milestone contract nothing is charged (Rule 8.3). The seller's
    cost is posted in any case. Raises `Refused` when its wallet does not cover that (Rule 11.5).
    """
    paid = list(paid)
    fee = sum((p.fee for p in paid), ZERO)
    by_wallet = external_invoice is None and subscription.contract is not Contract.MILESTONE
    moved = fee if by_wallet else ZERO
    facts: dict[str, Any] = {
        "subscription": subscription.id,
        "expiry": str(subscription.expiry),
        "amount": str(moved if external_invoice is None else fee),
        "currency": work.account.currency,
        **more,
    }
    if command is not None:
        facts["do"] = command.do
    if external_invoice is not None:
        facts["external_invoice"] = external_invoice
    if not by_wallet:
        activation = ()
    if activation:
        facts["activation_fees"] = str(total_of(activation))
    operation = work.operation(
        purpose,
        facts,
        subscription=subscription.id,
        cycle=cycle,
        external_invoice=external_invoice,
        command=command,
    )
    work.post(operation, double_entry.fee(moved))
    work.post_cost(operation, sum((cost_of(p.lines) for p in paid), ZERO), rule)
    for p in paid:
        work.period(operation, subscription, p.period, p.fee if by_wallet else ZERO)
    if by_wallet:
        lines = [line for p in paid for line in p.lines]
        work.invoice(operation, InvoiceKind.INDIVIDUAL, lines, fee)
    begin = paid[0].period.start
    brings = ", ".join(it.words for it in subscription.coming if it.since == begin)
    work.event(
        event,
        rule,
        subscription=subscription.id,
        amount=-moved,
        actor=command.actor if command else "perennial",
        operation=operation,
        expiry=subscription.expiry,
        external_invoice=external_invoice,
        brings=brings or None,
    )
    charge_activation(work, subscription.id, activation, command.actor if command else "perennial")
    return facts


def renewal_lines(work: Work, subscription: Subscription) -> list[Line]:
    """The next cycle at the prices of its renewal date, without alignment (Rules 3.5, 5.5)."""
    terms = work.terms([subscription])
    return price_in_force.renewal_lines(subscription, terms, work.account.currency)


def activation_fees(work: Work, subscription: Subscription) -> list[ActivationFee]:
    """The activation fees that are charged with the next cycle (Rule 10.1)."""
    terms = work.terms([subscription])
    return price_in_force.activation_fees(subscription, terms, work.account.currency)


def renew_all(work: Work, group: PricedGroup, rule: Rule) -> None:
    """Renew the members of a funded group by a cycle each (Rules 5.1, 5.5)."""
    for member in group.members:
        renewed, period = alignment.renew(member, work.today, work.now, work.policy_version)
        pay(
            work,
            renewed,
            [Paid(period, group.lines[member.id])],
            purpose=Purpose.NEXT_CYCLE,
            cycle=member.expiry,
            event=Event.RENEWED,
            rule=rule,
            activation=group.activation.get(member.id, ()),
        )
        leave_with_cycle(work, member, period.start)
        work.save(renewed)


def first_cycle(work: Work, tried: Subscription) -> tuple[Subscription, Paid]:
    """A trial as converted now, and its first paid cycle at today's prices (Rules 3.5, 4.3)."""
    converted, period = trial.convert(tried, work.today, work.now, work.policy_version)
    lines = period_lines(converted, period, work.catalog, work.account.currency, work.today)
    return converted, Paid(period, lines)


def done(facts: Mapping[str, Any], snapshot: Snapshot | None = None) -> CommandResult:
    """A command that was carried out; `facts` are its result as JSON."""
    return CommandResult(result=restored(dict(facts)), snapshot=snapshot)


def note(
    work: Work, command: AnyCommand, event: Event, rule: Rule, subscription: Subscription
) -> dict[str, str]:
    """Put a command that moves no money on record: its operation and its line of history."""
    result = {
        "do": command.do,
        "subscription": subscription.id,
        "expiry": str(subscription.expiry),
    }
    operation = work.operation(
        Purpose.CHANGE, result, subscription=subscription.id, command=command
    )
    work.event(event, rule, subscription=subscription.id, actor=command.actor, operation=operation)
    return result
