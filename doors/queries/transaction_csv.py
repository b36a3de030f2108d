"""Transactions and statements of an account as rows of CSV (Rule 11.7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.domain.calendar import local_time
from core.domain.transactions import TransactionKind
from doors.application.plain_data import data
from doors.queries.sentences import event
from doors.queries.statements import Standing, Statement
from doors.queries.transactions import TransactionLine

#: The columns of the CSV. A statement has the same.
COLUMNS = (
    *("date", "time", "timezone", "what", "kind", "rule", "subscription", "amount", "currency"),
    *("fee", "admin_fee", "balance", "unbilled", "receivable", "overpayment", "operation"),
    *("invoice", "external_invoice", "by"),
)
_FEES = (TransactionKind.ACTIVATION, TransactionKind.RENEWAL, TransactionKind.CHANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The first and the last line of a statement: what the account has."""

    words: str
    currency: str
    timezone: str
    standing: Standing


Line = TransactionLine | Balance


def cells(line: Line) -> dict[str, Any]:
    """Return the cells of a line of CSV, by `COLUMNS`."""
    if isinstance(line, Balance):
        has: dict[str, Any] = data(line.standing, line.currency)
        values = dict.fromkeys(COLUMNS) | {"what": line.words, "timezone": line.timezone}
        return values | {"currency": line.currency} | has
    values = dict(data(line))
    return values | {
        "time": f"{local_time(line.at, line.timezone):%H:%M:%S}",
        "what": event(line),
        "fee": line.purpose.words if line.kind in _FEES and line.amount else None,
        "by": line.actor,
    }


def ends(found: Statement) -> tuple[Balance, Balance]:
    """The first and the last line of a statement."""

    def balance(words: str, standing: Standing) -> Balance:
        own = (found.currency, found.timezone)
        return Balance(words=words, currency=own[0], timezone=own[1], standing=standing)

    return balance("opening balance", found.opening), balance("closing balance", found.closing)


def whole(found: Statement, lines: Iterator[TransactionLine]) -> Iterator[Line]:
    """Return the lines of a statement between a line with its opening and one with its closing."""
    first, last = ends(found)
    yield first
    yield from lines
    yield last
