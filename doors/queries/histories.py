"""The history of a subscription or an account: each event with its rule, actor and money."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from core.domain.calendar import local_date
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, History
from doors.queries.pages import stream
from doors.queries.snapshot import Snapshot, open_snapshot

#: The lines of one query.
_PAGE = 200


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
    return list(islice(subscription_lines(ledger, id_), limit))[::-1]


def account_history(ledger: Ledger, id_: str, limit: int = 1000) -> list[HistoryLine]:
    """The history of an account and its subscriptions, oldest first, at most its newest lines.

    Raises NotFound.
    """
    return list(islice(account_lines(ledger, id_), limit))[::-1]


def subscription_lines(
    ledger: Ledger,
    id_: str,
    *,
    after: int | None = None,
    newest_first: bool = True,
    page: int = _PAGE,
) -> Iterator[HistoryLine]:
    """The history of a subscription in pages of `page` lines. Raises NotFound at the first line.

    `after`: the `seq` of the line after which they start, in the order that is asked for.
    """
    with open_snapshot(ledger) as snapshot:
        snapshot.subscription_row(id_)
    yield from _lines(ledger, History.subscription == id_, after, newest_first, page)


def account_lines(
    ledger: Ledger,
    id_: str,
    *,
    after: int | None = None,
    newest_first: bool = True,
    page: int = _PAGE,
) -> Iterator[HistoryLine]:
    """The history of an account and its subscriptions. It is as `subscription_lines`."""
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(id_)
    yield from _lines(ledger, History.account == id_, after, newest_first, page)


def _lines(
    ledger: Ledger, condition: ColumnElement[bool], after: int | None, newest_first: bool, page: int
) -> Iterator[HistoryLine]:
    def read(seq: int | None) -> tuple[list[HistoryLine], int | None]:
        beyond = [] if seq is None else [History.seq < seq if newest_first else History.seq > seq]
        order = History.seq.desc() if newest_first else History.seq
        with open_snapshot(ledger) as snapshot:
            query = _selected(snapshot, condition, *beyond).order_by(order).limit(page)
            found = [_line(row) for row in snapshot.connection.execute(query)]
        return found, found[-1].seq if len(found) == page else None

    return stream(read, after)


def history_lines(
    snapshot: Snapshot, condition: ColumnElement[bool], limit: int
) -> list[HistoryLine]:
    """The newest `limit` lines that fulfil the condition, oldest first."""
    query = _selected(snapshot, condition).order_by(History.seq.desc()).limit(limit)
    return [_line(row) for row in reversed(list(snapshot.connection.execute(query)))]


def _selected(snapshot: Snapshot, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(History.__table__, AccountRow.currency, AccountRow.timezone)
        .join(AccountRow, AccountRow.id == History.account)
        .where(*conditions, AccountRow.seller == snapshot.seller)
    )


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
