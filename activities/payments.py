"""What the use cases that charge money share.

They pay for periods, renew the members of a group, convert a trial, and book a card charge. A
subscription has one operation for each cycle and purpose, so a second payment is impossible (Rule
11.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from activities.numbers import charge_activation, leave_with_cycle
from core.domain import alignment, price_in_force, trial
from core.domain.activation_fees import ActivationFee, total_of
from core.domain.commands import AnyCommand, restored
from core.domain.events import Event
from core.domain.fees import Line, period_lines, total
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Contract, Period, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import CardCharge
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import ChargeOutcome, CommandResult, Snapshot


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
    external invoice pays. Under a milestone contract nothing is charged (Rule 8.3).
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
    for p in paid:
        work.period(operation, subscription, p.period, p.fee if by_wallet else ZERO)
    if by_wallet:
        lines = [line for p in paid for line in p.lines]
        work.invoice(operation, InvoiceKind.INDIVIDUAL, lines, fee)
    work.event(
        event,
        rule,
        subscription=subscription.id,
        amount=-moved,
        actor=command.actor if command else "perennial",
        operation=operation,
        expiry=subscription.expiry,
        external_invoice=external_invoice,
    )
    charge_activation(work, subscription.id, activation, command.actor if command else "perennial")
    return facts


def renewal_lines(work: Work, subscription: Subscription, *, automatic: bool = False) -> list[Line]:
    """The next cycle at the prices of its renewal date (Rule 3.5).

    `automatic`: it is an automatic renewal, which may be aligned (Rule 5.5). Default False.
    """
    terms = work.terms([subscription])
    aligned = automatic and alignment.aligns(subscription, work.today)
    currency = work.account.currency
    return price_in_force.renewal_lines(subscription, terms, currency, aligned=aligned)


def activation_fees(work: Work, subscription: Subscription) -> list[ActivationFee]:
    """The activation fees that are charged with the next cycle (Rule 10.1)."""
    terms = work.terms([subscription])
    return price_in_force.activation_fees(subscription, terms, work.account.currency)


def renew_all(
    work: Work, members: Iterable[Subscription], lines: Mapping[str, list[Line]], rule: Rule
) -> None:
    """Renew funded subscriptions by a cycle each (Rules 5.1, 5.5)."""
    for member in members:
        renewed, period = alignment.renew(member, work.today, work.now, work.policy_version)
        pay(
            work,
            renewed,
            [Paid(period, lines[member.id])],
            purpose=Purpose.NEXT_CYCLE,
            cycle=member.expiry,
            event=Event.RENEWED,
            rule=rule,
            activation=activation_fees(work, member),
        )
        leave_with_cycle(work, member, period.start)
        work.save(renewed)


def first_cycle(work: Work, tried: Subscription) -> tuple[Subscription, Paid]:
    """A trial as converted now, and its first paid cycle at today's prices (Rules 3.5, 4.3)."""
    converted, period = trial.convert(tried, work.today, work.now, work.policy_version)
    lines = period_lines(converted, period, work.catalog, work.account.currency, work.today)
    return converted, Paid(period, lines)


class AccountBusy(Exception):
    """Another card charge of the account is still pending. The caller retries."""


def ask_card(work: Work, members: Sequence[Subscription], amount: Decimal) -> str | None:
    """Write down the charge that these subscriptions need, and return its key.

    An account has one open charge at a time. So a retry, or another member of the group, finds the
    same charge. Returns None if the open charge is for another card or amount. That charge is left
    as it is. Raises `AccountBusy` if the open charge is for other subscriptions.
    """
    key = f"{members[0].id}/{work.new_id()}"
    values = {
        "key": key,
        "account": work.account.id,
        "subscription": members[0].id,
        "card": work.account.card,
        "amount": amount,
        "currency": work.account.currency,
        "asked_at": work.now,
    }
    if work.connection.execute(_ASK, values).scalar():
        return key
    row = work.connection.execute(_OPEN, {"of": work.account.id}).one()
    if row.subscription not in [member.id for member in members]:
        raise AccountBusy(f"card charge {row.key} of account {work.account.id} is still pending")
    return str(row.key) if (row.card, row.amount) == (work.account.card, amount) else None


_ASK = (
    insert(CardCharge)
    .on_conflict_do_nothing(index_elements=["account"], index_where=~CardCharge.booked)
    .returning(CardCharge.key)
)
_OPEN = select(CardCharge.key, CardCharge.subscription, CardCharge.card, CardCharge.amount).where(
    CardCharge.account == bindparam("of"), ~CardCharge.booked
)
_OF_KEY = (CardCharge.key == bindparam("charge"), CardCharge.account == bindparam("of"))
_BOOK = (
    update(CardCharge)
    .where(*_OF_KEY, ~CardCharge.booked, CardCharge.outcome != ChargeOutcome.PENDING)
    .values(booked=True)
    .returning(CardCharge.__table__)
)
_OUTCOME = select(CardCharge.outcome, CardCharge.booked).where(*_OF_KEY)
_HOME = select(CardCharge.account).where(CardCharge.key == bindparam("charge"))


def take_up(work: Work, key: str) -> ChargeOutcome | None:
    """Book the outcome of a card charge, once (Rules 5.3, 11.2).

    A charge becomes credits of the wallet, with an invoice of its own. A decline goes on record.
    Returns the outcome, which is pending while the ledger does not hold it. Returns None for the
    charge of another account: the subscription had another owner when its card was asked.
    """
    row = work.connection.execute(_BOOK, {"charge": key, "of": work.account.id}).one_or_none()
    if row is not None:
        put_on_record(work, row)
        return ChargeOutcome(row.outcome)
    row = work.connection.execute(_OUTCOME, {"charge": key, "of": work.account.id}).one_or_none()
    if row is None:
        return None
    return ChargeOutcome(row.outcome) if row.booked else ChargeOutcome.PENDING


def take_up_at_home(ledger: Ledger, now: datetime, key: str) -> ChargeOutcome | None:
    """Book the outcome of a card charge in a transaction on the account whose card it is."""
    with ledger.read() as connection:
        home = connection.execute(_HOME, {"charge": key}).scalar_one()
    with ledger.work(now, account=home) as work:
        return take_up(work, key)


def put_on_record(work: Work, charge: Row[Any]) -> None:
    """Write what follows a card charge that was just booked: the credit, or the decline.

    Nothing follows a charge that was withdrawn. The database refuses a second credit of one charge.
    """
    if charge.outcome == ChargeOutcome.WITHDRAWN:
        return
    if charge.outcome == ChargeOutcome.DECLINED:
        work.event(Event.CARD_DECLINED, Rule.FUNDING, charge=charge.key, reason=charge.reason)
        return
    facts = {"charge": charge.key, "amount": str(charge.amount)}
    operation = work.operation(Purpose.CARD_CHARGE, facts, charge=charge.key)
    work.post(operation, double_entry.card_charge(charge.amount))
    lines = [Line("Top-up by card", charge.amount)]
    work.invoice(operation, InvoiceKind.INDIVIDUAL, lines, charge.amount)
    work.event(
        Event.CARD_CHARGED,
        Rule.FUNDING,
        amount=charge.amount,
        operation=operation,
        charge=charge.key,
    )


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
