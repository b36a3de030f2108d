"""Many rows in one statement and one round trip, whatever their number: they travel as one JSON parameter, and the statement is the same
for any number of them, so it stays prepared. (A list of parameters would be a statement a row, and the triggers see statements.)
"""

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, TextClause, any_, literal, text
from sqlalchemy.dialects.postgresql import ARRAY


def insert_all(connection: Connection, table: type, rows: list[dict[str, Any]]) -> None:
    """Insert rows, which all have the same columns, in their order."""
    connection.execute(_insert(table.__tablename__, tuple(rows[0])), {"rows": _json(rows)})  # type: ignore[attr-defined]


def update_all(connection: Connection, table: type, rows: list[dict[str, Any]]) -> int:
    """Update rows by `id`, each only if its `version` is one less than the new one; answers how many were updated."""
    return connection.execute(_update(table.__tablename__, tuple(rows[0])), {"rows": _json(rows)}).rowcount  # type: ignore[attr-defined]


def one_of(column: Any, ids: list[str]) -> ColumnElement[bool]:
    """Whether a column is one of many texts, which travel as one parameter."""
    condition: ColumnElement[bool] = column == any_(literal(ids, ARRAY(Text)))
    return condition


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=str)


@lru_cache
def _insert(table: str, columns: tuple[str, ...]) -> TextClause:
    names = ", ".join(f'"{column}"' for column in columns)
    return text(f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json))")  # noqa: S608


@lru_cache
def _update(table: str, columns: tuple[str, ...]) -> TextClause:
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns if column != "id")
    return text(
        f"UPDATE {table} old SET {changes} FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json)) new "  # noqa: S608
        "WHERE old.id = new.id AND old.version = new.version - 1"
    )
