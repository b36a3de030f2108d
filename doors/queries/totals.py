"""Sums over all accounts on a test clock."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from core.domain.events import Event
from core.domain.rules import Rule
from core.domain.subscription import Status
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, History, Posting, SubscriptionRow
from doors.queries.list_names import WorkList
from doors.queries.snapshot import open_snapshot

#: The name under which failed retries are counted, apart from first attempts that failed.
RETRY_FAILED = "retry_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over many accounts of one currency.

    `statuses` counts subscriptions by status. `events` counts events with their money. `books`
    holds the sum of each book. `ledger_sum` is the sum of all postings, which is zero (Rule 11.3).
    """

    currency: str
    statuses: dict[str, int]
    events: dict[str, tuple[int, Decimal]]
    books: dict[str, Decimal]
    ledger_sum: Decimal


def totals_of(ledger: Ledger, clock: str) -> list[Totals]:
    """Sums over all accounts on a test clock, by currency."""
    mine = (AccountRow.seller == ledger.seller) & (AccountRow.clock == clock)
    with open_snapshot(ledger) as snapshot:
        statuses, events, books = (
            list(snapshot.connection.execute(query))
            for query in (_statuses(mine), _events(mine), _books(mine))
        )
    currencies = {row.currency for row in statuses} | {row.currency for row in books}
    return [_totals(currency, statuses, events, books) for currency in sorted(currencies)]


def _totals(currency: str, statuses: list[Any], events: list[Any], books: list[Any]) -> Totals:
    in_books = {row.book: row.amount for row in books if row.currency == currency}
    return Totals(
        currency=currency,
        statuses={row.what: row.n for row in statuses if row.currency == currency},
        events={row.what: (row.n, row.amount) for row in events if row.currency == currency},
        books=in_books,
        ledger_sum=sum(in_books.values(), Decimal(0)),
    )


def _statuses(mine: ColumnElement[bool]) -> Select[Any]:
    """How many subscriptions have each status. Failed renewals count apart."""
    what = case(
        (SubscriptionRow.status != Status.ACTIVE, SubscriptionRow.status),
        (SubscriptionRow.renewal_failed, WorkList.FAILED),
        else_=Status.ACTIVE,
    )
    found = (
        select(AccountRow.currency, what.label("what"))
        .join(SubscriptionRow, SubscriptionRow.account == AccountRow.id)
        .where(mine)
        .subquery()
    )
    by = (found.c.currency, found.c.what)
    return select(*by, func.count().label("n")).group_by(*by)


def _events(mine: ColumnElement[bool]) -> Select[Any]:
    """How often each event happened, and the sum of its money."""
    retried = (History.event == Event.RENEWAL_FAILED) & (History.rule == Rule.RETRY)
    what = case((retried, RETRY_FAILED), else_=History.event)
    found = (
        select(AccountRow.currency, what.label("what"), History.amount)
        .join(History, History.account == AccountRow.id)
        .where(mine)
        .subquery()
    )
    by = (found.c.currency, found.c.what)
    moved = func.coalesce(func.sum(found.c.amount), 0).label("amount")
    return select(*by, func.count().label("n"), moved).group_by(*by)


def _books(mine: ColumnElement[bool]) -> Select[str, str, Decimal]:
    """The sum of each book."""
    return (
        select(AccountRow.currency, Posting.book, func.sum(Posting.amount).label("amount"))
        .join(Posting, Posting.account == AccountRow.id)
        .where(mine)
        .group_by(AccountRow.currency, Posting.book)
    )
