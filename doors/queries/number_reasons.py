"""Why activation fees were charged for a number, or why not (Rule 10.1)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.explain_number import Taken, why_fee
from core.domain.money import in_words
from core.domain.numbers import Happened, HoldKind
from core.ledger.ledger import Ledger
from core.ledger.tables import (
    History,
    Invoice,
    MonthlyAmount,
    NumberHistory,
    NumberRow,
    Operation,
    SubscriptionRow,
)
from doors.queries.fee_terms import Fee, terms_of
from doors.queries.reasons import MOST_REASONS, Reasons, at_most
from doors.queries.snapshot import NotFound, Snapshot, open_snapshot

_GIVEN_BACK = (Happened.GIVEN_BACK, Happened.ENDED)


def fees_of_number(ledger: Ledger, number: str) -> Reasons:
    """Why each use of a number had an activation fee or none, newest first. Raises NotFound.

    All days and instants are in the zone of the account that holds the number, or in UTC.
    """
    with open_snapshot(ledger) as snapshot:
        row = snapshot.connection.execute(
            select(NumberRow.__table__).where(
                NumberRow.seller == ledger.seller, NumberRow.number == number
            )
        ).one_or_none()
        if row is None:
            raise NotFound(f"number {number} is not in the inventory")
        zone = "UTC" if row.account is None else snapshot.account_row(row.account).timezone
        lines = snapshot.connection.execute(
            select(NumberHistory.__table__)
            .where(NumberHistory.seller == ledger.seller, NumberHistory.number == number)
            .order_by(NumberHistory.seq.desc())
            .limit(5 * MOST_REASONS)
        ).all()
        uses = [
            _taken(snapshot, row, line, lines[index + 1 :], zone)
            for index, line in enumerate(lines)
            if line.what == Happened.TAKEN and line.subscription is not None
        ]
    answer = f"It is {row.state.replace('_', ' ')}, of SKU {row.sku}."
    if not uses:
        answer += " No subscription has taken it into use yet, so it has no activation fee."
    return at_most(f"number {number}", answer, zone, [why_fee(use) for use in uses])


def _taken(snapshot: Snapshot, number: Any, line: Any, before: Sequence[Any], zone: str) -> Taken:
    account = snapshot.account_row(line.account)
    charged = _charge(snapshot, number.number, line)
    rows = [f"number history {line.seq}"]
    fee = invoice = None
    if charged is not None:
        rows.insert(0, f"operation {charged.operation}")
        rows += terms_of(snapshot, Fee(charged.operation, [number.sku], activation=True))
        fee, invoice = in_words(-charged.amount, account.currency), _invoice_of(snapshot, charged)
    beside = _beside(snapshot, line)
    return Taken(
        at=line.at,
        date=local_date(line.at, zone),
        subscription=line.subscription,
        fee=fee,
        invoice=invoice,
        own=number.hold == HoldKind.BYOI,
        swapped=any(it.event == Event.NUMBER_SWAPPED for it in beside),
        again=any(
            it.what in _GIVEN_BACK
            and it.account == line.account
            and line.at - it.at <= timedelta(hours=_grace(snapshot))
            for it in before[:1]
        ),
        unpaid=any(it.external_invoice is not None or it.contract for it in beside),
        waits=any(it.facts.get("when") == "renewal" for it in beside),
        rows=tuple(rows),
    )


def _charge(snapshot: Snapshot, number: str, line: Any) -> Any:
    """The line of history that charged the fee for this use, or None."""
    query = (
        select(History.__table__)
        .where(
            History.subscription == line.subscription,
            History.event == Event.ACTIVATION_FEE,
            History.facts["number"].astext == number,
            History.at >= line.at,
        )
        .order_by(History.seq)
        .limit(1)
    )
    return snapshot.connection.execute(query).one_or_none()


def _invoice_of(snapshot: Snapshot, charged: Any) -> str | None:
    query = (
        select(Invoice.number)
        .join(MonthlyAmount, MonthlyAmount.invoice == Invoice.id)
        .where(MonthlyAmount.operation == charged.operation)
        .limit(1)
    )
    found = snapshot.connection.execute(query).scalar()
    return None if found is None else f"{found:06}"


def _beside(snapshot: Snapshot, line: Any) -> list[Any]:
    """What was written of the subscription at the same instant."""
    query = (
        select(History.event, History.facts, Operation.external_invoice, SubscriptionRow.contract)
        .outerjoin(Operation, Operation.id == History.operation)
        .join(SubscriptionRow, SubscriptionRow.id == History.subscription)
        .where(History.subscription == line.subscription, History.at == line.at)
        .limit(MOST_REASONS)
    )
    return list(snapshot.connection.execute(query))


def _grace(snapshot: Snapshot) -> int:
    return snapshot.policy(snapshot.versions_in_force()[1]).rebuy_grace_hours
