"""Many rows in one statement and one round trip, whatever their number: they travel as one JSON parameter, and the statement is the same
for any number of them, so it stays prepared. (A list of parameters would be a statement a row, and the triggers see statements.)
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, TextClause, any_, literal, text
from sqlalchemy.dialects.postgresql import ARRAY

from core.ledger.tables import Base


def insert_all(connection: Connection, table: type, rows: list[dict[str, Any]]) -> None:
    """Insert rows, which all have the same columns, in their order."""
    connection.execute(_insert(table.__tablename__, tuple(rows[0])), {"rows": _json(rows)})  # type: ignore[attr-defined]


def write_all(
    connection: Connection,
    new: Mapping[type[Base], list[dict[str, Any]]],
    table: type[Base],
    changed: list[dict[str, Any]],
) -> int:
    """Insert rows into tables, in this order, and update rows of one by `id`, each only if its `version` is one less than the new one: all in one
    statement. Foreign keys and triggers look at it when it has ended, so they see all of it. Answers how many rows were updated."""
    parts = tuple((inserted.__tablename__, tuple(rows[0])) for inserted, rows in new.items())
    values = {inserted.__tablename__: _json(rows) for inserted, rows in new.items()}
    if changed:
        statement = _write(parts, table.__tablename__, tuple(changed[0]))
        ids = [change["id"] for change in changed]
        return connection.execute(
            statement, values | {"changed": _json(changed), "ids": ids}
        ).rowcount
    if parts:
        connection.execute(_write(parts), values)
    return 0


def one_of(column: Any, ids: list[str]) -> ColumnElement[bool]:
    """Whether a column is one of many texts, which travel as one parameter."""
    condition: ColumnElement[bool] = column == any_(literal(ids, ARRAY(Text)))
    return condition


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=str)


@lru_cache
def _insert(table: str, columns: tuple[str, ...]) -> TextClause:
    return text(_inserting(table, columns, "rows"))


@lru_cache
def _write(
    new: tuple[tuple[str, tuple[str, ...]], ...], table: str = "", columns: tuple[str, ...] = ()
) -> TextClause:
    """The parts of a WITH are carried out after the statement itself, the last one first."""
    inserts = [_inserting(name, names, name) for name, names in new]
    statement = _updating(table, columns, "changed") if table else inserts.pop(0)
    parts = ", ".join(
        f"part{number} AS ({insert})" for number, insert in enumerate(reversed(inserts))
    )
    return text(f"WITH {parts} {statement}" if parts else statement)


def _inserting(table: str, columns: tuple[str, ...], parameter: str) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, CAST(:{parameter} AS json))"


def _updating(table: str, columns: tuple[str, ...], parameter: str) -> str:
    """`ids` says once more which rows: PostgreSQL takes the JSON for a hundred of them, for which it would rather read a small table to its end."""
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns if column != "id")
    return (
        f"UPDATE {table} old SET {changes} FROM json_populate_recordset(NULL::{table}, CAST(:{parameter} AS json)) new "
        "WHERE old.id = new.id AND old.id = ANY(CAST(:ids AS text[])) AND old.version = new.version - 1"
    )
