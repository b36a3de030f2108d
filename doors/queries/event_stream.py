"""What happened, in the order of the history, with no line left out (docs/decisions/0030).

A line gets its number when it is written, and is seen when its transaction commits. So line 11 may
be seen before line 10. A reader that goes on after 11 would never see 10. `Complete` says up to
which number nothing is missing any longer.

Worked example. A renewal is about to commit line 10, and a top-up commits line 11. The newest
number is 11, and one transaction is still open. Its id is remembered. Nothing new is told yet. When
that transaction has ended, the lines up to 11 are told, in their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from core.domain.event_payloads import body
from core.ledger.deliveries import happened_from
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, History

MOST_LINES = 200
"""So many lines one read returns at most."""
_SCANNED = 5_000
"""So many numbers of the history one read looks at, also of other sellers."""

_NEWEST = text(
    "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('history', 'seq')::regclass), 0)"
)
#: Each open transaction that has an id holds the lock of its id, until its rows can be seen.
_OPEN = text(
    "SELECT transactionid::text FROM pg_locks "
    "WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history: its number, what happened, and the message that tells of it."""

    seq: int
    event: str
    body: dict[str, Any]


@dataclass(slots=True)
class Complete:
    """Up to which number the history is complete. A process has one for all its readers.

    A transaction has its id before it numbers a line, because it locks an account first. So every
    line up to a number that was read is committed, rolled back, or of a transaction that is open
    right after. When all of those have ended, these lines are final.

    A snapshot of PostgreSQL (`pg_current_snapshot`) does not tell which are open: its end is the
    newest id that has ended, and an open one may be beyond it.
    """

    up_to: int | None = None
    _newest: int = 0
    _open: frozenset[str] = frozenset()

    def look(self, connection: Connection) -> int | None:
        """The newest number that is certain. None as long as none is.

        `connection`: one whose statements each see what is committed by then.
        """
        newest = connection.execute(_NEWEST).scalar_one()
        open_now = frozenset(connection.execute(_OPEN).scalars())
        if not open_now:
            self.up_to, self._open = newest, open_now
            return self.up_to
        if self._open and not self._open & open_now:
            self.up_to, self._open = self._newest, frozenset()
        if not self._open:
            self._newest, self._open = newest, open_now
        return self.up_to


def newest_number(ledger: Ledger) -> int:
    """The number of the newest line of the history, or one above it. It may not be complete."""
    with ledger.read() as connection:
        return int(connection.execute(_NEWEST).scalar_one())


def lines_between(
    ledger: Ledger,
    after: int,
    up_to: int,
    *,
    account: str | None = None,
    test_clocks: bool = False,
) -> tuple[Sequence[Line], int]:
    """Lines of the seller after a number, up to a number at most, in their order.

    `up_to`: what `Complete` says.
    `account`: only its lines. `test_clocks`: whether accounts on test clocks are told of, too. An
    account that is named is told of in any case.

    Returns the lines, and the number after which the next read begins.
    """
    if account is None:
        up_to = min(up_to, after + _SCANNED)
    query = (
        select(History.__table__, AccountRow.currency)
        .join(AccountRow, AccountRow.id == History.account)
        .where(AccountRow.seller == ledger.seller, History.seq > after, History.seq <= up_to)
        .order_by(History.seq)
        .limit(MOST_LINES)
    )
    if account is not None:
        query = query.where(History.account == account)
    elif not test_clocks:
        query = query.where(AccountRow.clock.is_(None))
    with ledger.read() as connection:
        rows = connection.execute(query).all()
    lines = [Line(row.seq, row.event, body(happened_from(row))) for row in rows]
    return lines, lines[-1].seq if len(lines) == MOST_LINES else up_to
