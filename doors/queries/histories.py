"""The history of a subscription or an account: each event with its rule, actor and money."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, select

from core.domain.calendar import local_date
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, History
from doors.queries.snapshot import Snapshot, open_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One line of history. `amount` is the signed change of the balance."""

    seq: int
    at: datetime
    date: date
    account: str
    subscription: str | None
    event: str
    amount: Decimal | None
    currency: str
    timezone: str
    rule: str
    actor: str
    facts: dict[str, Any]


def subscription_history(ledger: Ledger, id_: str, limit: int = 1000) -> list[HistoryLine]:
    """The history of a subscription, oldest first, at most its newest `limit` lines.

    Raises NotFound.
    """
    with open_snapshot(ledger) as snapshot:
        snapshot.subscription_row(id_)
        return history_lines(snapshot, History.subscription == id_, limit)


def account_history(ledger: Ledger, id_: str, limit: int = 1000) -> list[HistoryLine]:
    """The history of an account and its subscriptions, oldest first, at most its newest lines.

    Raises NotFound.
    """
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(id_)
        return history_lines(snapshot, History.account == id_, limit)


def history_lines(
    snapshot: Snapshot, condition: ColumnElement[bool], limit: int
) -> list[HistoryLine]:
    """The newest `limit` lines that fulfil the condition, oldest first."""
    query = (
        select(History.__table__, AccountRow.currency, AccountRow.timezone)
        .join(AccountRow, AccountRow.id == History.account)
        .where(condition, AccountRow.seller == snapshot.seller)
        .order_by(History.seq.desc())
        .limit(limit)
    )
    return [_line(row) for row in reversed(list(snapshot.connection.execute(query)))]


def _line(row: Any) -> HistoryLine:
    return HistoryLine(
        seq=row.seq,
        at=row.at,
        date=local_date(row.at, row.timezone),
        account=row.account,
        subscription=row.subscription,
        event=row.event,
        amount=row.amount,
        currency=row.currency,
        timezone=row.timezone,
        rule=row.rule,
        actor=row.actor,
        facts=row.facts,
    )
