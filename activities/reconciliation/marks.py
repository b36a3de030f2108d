"""How far reconciliation has looked, and what is new in the history since then.

The numbers of history lines are given before the commit. A line with a small number can appear
after a line with a large one, while its transaction runs. So a pass looks again at all lines from
the last number up to which every transaction has ended.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from core.ledger.tables import ReconciliationMark

_HISTORY = "history"
_SETTLED = text(
    "SELECT seen FROM reconciliation_marks WHERE name = :name "
    "AND seen_by <= CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
)
_NEWEST = text("SELECT coalesce(max(seq), 0) FROM history")
_MY_TRANSACTION = text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
_MOVE = text(
    "INSERT INTO reconciliation_marks AS old (name, number, key, seen, seen_by) "
    "VALUES (:name, :number, :key, :seen, :seen_by) ON CONFLICT (name) DO UPDATE "
    "SET number = greatest(old.number, excluded.number), key = excluded.key, "
    "seen = excluded.seen, seen_by = excluded.seen_by"
)
_ROWS = text("SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = CAST(:name AS regclass)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHistory:
    """The lines of the history that a pass looks at.

    `after`: lines up to this number need no further look.
    `settled`: the lines up to this number need none after this pass.
    `seen`: the newest line.
    `seen_by`: the transaction that saw it. Each one with a line up to `seen` began before it.
    """

    after: int
    settled: int
    seen: int
    seen_by: int


def new_history(connection: Connection) -> NewHistory:
    """What is new in the history. The connection is in a transaction."""
    after = number_of(connection, _HISTORY)
    settled = connection.execute(_SETTLED, {"name": _HISTORY}).scalar()
    seen = connection.execute(_NEWEST).scalar_one()
    seen_by = connection.execute(_MY_TRANSACTION).scalar_one()
    return NewHistory(after=after, settled=max(after, settled or 0), seen=seen, seen_by=seen_by)


def history_was_read(connection: Connection, new: NewHistory) -> None:
    """Remember that a pass has looked at all of this."""
    _move(connection, _HISTORY, number=new.settled, seen=new.seen, seen_by=new.seen_by)


def number_of(connection: Connection, name: str) -> int:
    """The number that was reached, zero at first."""
    query = select(ReconciliationMark.number).where(ReconciliationMark.name == name)
    return connection.execute(query).scalar() or 0


def move_number(connection: Connection, name: str, number: int) -> None:
    """Remember a number that was reached. It never goes back."""
    _move(connection, name, number=number)


def key_of(connection: Connection, name: str) -> str:
    """The id that the last slice ended with, empty at first."""
    query = select(ReconciliationMark.key).where(ReconciliationMark.name == name)
    return connection.execute(query).scalar() or ""


def move_key(connection: Connection, name: str, key: str) -> None:
    """Remember the id that a slice has ended with."""
    _move(connection, name, key=key)


def slice_size(connection: Connection, table: str, passes: int, batch: int) -> int:
    """How many rows one of so many passes looks at: at least a batch.

    PostgreSQL's estimate of the number of rows is good enough.
    """
    rows: int = connection.execute(_ROWS, {"name": table}).scalar_one()
    return max(batch, -(-rows // passes))


def _move(connection: Connection, name: str, **values: Any) -> None:
    nothing = {"number": 0, "key": "", "seen": 0, "seen_by": 0}
    connection.execute(_MOVE, {"name": name} | nothing | values)
