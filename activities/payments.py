"""What every use case that is paid for shares: pay for periods, renew the members of a group, take up a card charge.

One operation a subscription and cycle: whoever comes second finds it done (Rule 11.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from core.domain import lifecycle, renewal_attempt
from core.domain.commands import AnyCommand, restored
from core.domain.events import Event
from core.domain.fees import Line, total
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Period, Subscription
from core.ledger.tables import CardCharge
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import ChargeOutcome, CommandResult, Snapshot

#: The purpose of every operation that pays the cycle after an expiry date, whatever asked for it: a second one is impossible.
NEXT_CYCLE = "next cycle"


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
    purpose: str,
    cycle: date,
    event: Event,
    rule: Rule,
    command: AnyCommand | None = None,
    external_invoice: str | None = None,
) -> dict[str, str]:
    """Post the fees of periods of a subscription from the wallet (or list them under an external invoice number, which touches no money),
    with one invoice and one line of history (Rules 11.3, 11.4). Answers the facts that the operation keeps as its result."""
    paid = list(paid)
    fee = sum((p.fee for p in paid), ZERO)
    moved = ZERO if external_invoice is not None else fee
    facts = {
        "subscription": subscription.id,
        "expiry": str(subscription.expiry),
        "amount": str(fee),
        "currency": work.account.currency,
    }
    if command is not None:
        facts["do"] = command.do
    if external_invoice is not None:
        facts["external_invoice"] = external_invoice
    operation = work.operation(
        purpose,
        facts,
        subscription=subscription.id,
        cycle=cycle,
        external_invoice=external_invoice,
        command=command,
    )
    work.post(operation, wallet=-moved, revenue=moved)
    for p in paid:
        work.period(
            operation, subscription, p.period, ZERO if external_invoice is not None else p.fee
        )
    if external_invoice is None:
        work.invoice(operation, "individual", [line for p in paid for line in p.lines], fee)
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
    return facts


def renewal_lines(work: Work, subscription: Subscription) -> list[Line]:
    """The next cycle at the prices of its renewal date (Rule 3.5)."""
    return renewal_attempt.renewal_lines(
        subscription, work.terms([subscription]), work.account.currency
    )


def renew_all(
    work: Work, members: Iterable[Subscription], lines: Mapping[str, list[Line]], rule: Rule
) -> list[Snapshot]:
    """Renew funded subscriptions by a cycle each (Rule 5.1)."""
    snapshots = []
    for member in members:
        renewed, period = lifecycle.renew(member, work.now, work.policy_version)
        pay(
            work,
            renewed,
            [Paid(period, lines[member.id])],
            purpose=NEXT_CYCLE,
            cycle=member.expiry,
            event=Event.RENEWED,
            rule=rule,
        )
        snapshots.append(work.save(renewed))
    return snapshots


class AccountBusy(Exception):
    """Another card charge of the account is under way: its outcome must be known first. To be tried again."""


def ask_card(work: Work, members: Sequence[Subscription], amount: Decimal) -> str | None:
    """Write down the charge that these subscriptions need, before the gateway is called; answers its key. An account has one open charge at
    a time, so a repetition, or another member of the group, finds the same one. Raises `AccountBusy` when it is for others. Answers none
    when theirs is still open though the card or the sum is another by now: it is never charged for what it was not asked for."""
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
        raise AccountBusy(f"card charge {row.key} of account {work.account.id} is not settled yet")
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
    .where(*_OF_KEY, ~CardCharge.booked, CardCharge.outcome != "pending")
    .values(booked=True)
    .returning(CardCharge.__table__)
)
_OUTCOME = select(CardCharge.outcome, CardCharge.booked).where(*_OF_KEY)


def take_up(work: Work, key: str) -> ChargeOutcome:
    """Take a charge's outcome into the ledger, once: a charge becomes credits of the wallet with an invoice of its own, a decline goes on
    record (Rules 5.3, 11.2). Answers the outcome; pending when it is still unknown."""
    row = work.connection.execute(_BOOK, {"charge": key, "of": work.account.id}).one_or_none()
    if row is None:
        row = work.connection.execute(_OUTCOME, {"charge": key, "of": work.account.id}).one()
        return (
            ChargeOutcome(row.outcome) if row.booked else ChargeOutcome.PENDING
        )  # settled since: not yet in the ledger
    outcome = ChargeOutcome(row.outcome)
    if outcome is ChargeOutcome.DECLINED:
        work.event(Event.CARD_DECLINED, Rule.FUNDING, charge=key, reason=row.reason)
        return outcome
    operation = work.operation("card charge", {"charge": key, "amount": str(row.amount)})
    work.post(operation, wallet=row.amount, card=-row.amount)
    work.invoice(operation, "individual", [Line("Top-up by card", row.amount)], row.amount)
    work.event(Event.CARD_CHARGED, Rule.FUNDING, amount=row.amount, operation=operation, charge=key)
    return outcome


def done(facts: dict[str, str], *snapshots: Snapshot) -> CommandResult:
    """A command that was carried out; `facts` are its result as JSON."""
    return CommandResult(result=restored(facts), snapshots=snapshots)


def note(
    work: Work, command: AnyCommand, event: Event, rule: Rule, subscription: Subscription
) -> dict[str, str]:
    """A command that moves no money: its operation (which answers repetitions) and its line of history."""
    result = {
        "do": command.do,
        "subscription": subscription.id,
        "expiry": str(subscription.expiry),
    }
    operation = work.operation(command.do, result, subscription=subscription.id, command=command)
    work.event(event, rule, subscription=subscription.id, actor=command.actor, operation=operation)
    return result
