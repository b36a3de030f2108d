"""Many rows in one statement and one round trip, whatever their number.

The rows travel as one JSON parameter a table. So the statement is the same for any number of rows
and stays prepared, and the triggers run once.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

from core.ledger.tables import AccountRow, Base, NumberRow, SubscriptionRow

Rows = list[dict[str, Any]]


@dataclass
class Writes:
    """What a transaction writes.

    `new`: rows to insert by table, in the order of the references between tables.
    `subscriptions`: changed subscriptions. Each is updated only from the version before its own.
    `accounts`: changed columns of accounts, by the id of the account. Their rows are locked.
    `numbers`: changed numbers. The guard of numbers refuses one that was overtaken.
    `steps`: next steps that are new or replace the step of their subject.
    `ended`: subjects that have no next step from now on.
    `told`: subjects whose workflows are to be told what they have become.
    """

    new: dict[type[Base], Rows] = field(default_factory=dict)
    subscriptions: Rows = field(default_factory=list)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: Rows = field(default_factory=list)
    steps: Rows = field(default_factory=list)
    ended: Rows = field(default_factory=list)
    told: Rows = field(default_factory=list)


def insert_all(connection: Connection, table: type, rows: Rows) -> None:
    """Insert rows in their order. All have the same columns."""
    connection.exec_driver_sql(
        _inserting(table.__tablename__, tuple(rows[0]), "rows"),  # type: ignore[attr-defined]
        {"rows": _json(rows)},
    )


def write_all(connection: Connection, writes: Writes) -> int:
    """Write everything in one statement. Returns how many subscriptions were updated.

    Foreign keys and triggers check the statement at its end, so they see all of it.
    """
    clauses: list[str] = []
    values: dict[str, Any] = {}
    if writes.subscriptions:
        clauses.append(_updating(SubscriptionRow.__tablename__, tuple(writes.subscriptions[0])))
        values["changed"] = _json(writes.subscriptions)
        values["ids"] = [change["id"] for change in writes.subscriptions]
    for table, rows in writes.new.items():
        clauses.append(_inserting(table.__tablename__, tuple(rows[0]), table.__tablename__))
        values[table.__tablename__] = _json(rows)
    for number, (columns, rows) in enumerate(_by_columns(writes.accounts).items()):
        clauses.append(_updating_accounts(columns, number))
        values[f"accounts{number}"] = _json(rows)
        values[f"accounts{number}_ids"] = [row["id"] for row in rows]
    if writes.numbers:
        clauses.append(_updating_numbers(tuple(writes.numbers[0])))
        values["changed_numbers"] = _json(writes.numbers)
        values["numbers"] = [change["number"] for change in writes.numbers]
        values["sellers"] = sorted({change["seller"] for change in writes.numbers})
    if writes.steps:
        clauses.append(_setting("steps", tuple(writes.steps[0]), "set_steps"))
        values["set_steps"] = _json(writes.steps)
    if writes.told:
        clauses.append(_setting("tellings", tuple(writes.told[0]), "told"))
        values["told"] = _json(writes.told)
    if writes.ended:
        clauses.append(_ENDING_STEPS)
        values["ended_steps"] = _json(writes.ended)
    if not clauses:
        return 0
    written = connection.exec_driver_sql(_write(tuple(clauses)), values).rowcount
    return written if writes.subscriptions else 0


def one_of(column: Any, ids: list[str]) -> ColumnElement[bool]:
    """Whether a column is one of many texts, which travel as one parameter."""
    condition: ColumnElement[bool] = column == any_(literal(ids, ARRAY(Text)))
    return condition


def one_of_ids(column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether a column is one of many whole numbers, which travel as one parameter."""
    condition: ColumnElement[bool] = column == any_(literal(sorted(ids), ARRAY(BigInteger)))
    return condition


def _json(rows: Rows) -> str:
    return _ENCODER.encode(rows)


_ENCODER = json.JSONEncoder(default=str, separators=(",", ":"))


@lru_cache
def _write(clauses: tuple[str, ...]) -> str:
    """One statement for all clauses. The first is its main clause, the others are its WITH.

    PostgreSQL executes the parts of a WITH after the main clause, the last one first. They stand in
    reverse here, so the clauses are executed in their order.
    """
    main, *others = clauses
    if not others:
        return main
    parts = ", ".join(f"part{n} AS ({clause})" for n, clause in enumerate(reversed(others)))
    return f"WITH {parts} {main}"


_ENDING_STEPS = (
    "DELETE FROM steps old "
    "USING json_populate_recordset(NULL::steps, CAST(%(ended_steps)s AS json)) ended "
    "WHERE old.subject_kind = ended.subject_kind AND old.subject = ended.subject"
)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


@lru_cache
def _inserting(table: str, columns: tuple[str, ...], parameter: str) -> str:
    names = _names(columns)
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} "  # noqa: S608
        f"FROM json_populate_recordset(NULL::{table}, CAST(%({parameter})s AS json))"
    )


@lru_cache
def _setting(table: str, columns: tuple[str, ...], parameter: str) -> str:
    """Insert rows of subjects. A row replaces the one that its subject has.

    What is to be told soon stays so, whatever comes after it.
    """
    key = ("subject_kind", "subject")
    changes = ", ".join(
        f"soon = {table}.soon OR excluded.soon"
        if name == "soon"
        else f'"{name}" = excluded."{name}"'
        for name in columns
        if name not in key
    )
    return (
        f"{_inserting(table, columns, parameter)} "
        f"ON CONFLICT (subject_kind, subject) DO UPDATE SET {changes}"
    )


@lru_cache
def _updating(table: str, columns: tuple[str, ...]) -> str:
    """Update rows by id. `ids` repeats the keys as an array.

    Without it PostgreSQL estimates 100 rows from the JSON and picks a sequential scan.
    """
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns if column != "id")
    return (
        f"UPDATE {table} old SET {changes} "  # noqa: S608
        f"FROM json_populate_recordset(NULL::{table}, CAST(%(changed)s AS json)) new "
        "WHERE old.id = new.id AND old.id = ANY(CAST(%(ids)s AS text[])) "
        "AND old.version = new.version - 1"
    )


def _by_columns(accounts: dict[str, dict[str, Any]]) -> dict[tuple[str, ...], Rows]:
    """Changes of accounts by the columns that change. Usually all change the same ones."""
    found: dict[tuple[str, ...], Rows] = {}
    for id_, changes in accounts.items():
        found.setdefault(tuple(sorted(changes)), []).append({"id": id_, **changes})
    return found


@lru_cache
def _updating_accounts(columns: tuple[str, ...], number: int) -> str:
    """Update accounts by their keys, which are repeated as in `_updating`."""
    table = AccountRow.__tablename__
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns)
    return (
        f"UPDATE {table} old SET {changes} "  # noqa: S608
        f"FROM json_populate_recordset(NULL::{table}, CAST(%(accounts{number})s AS json)) new "
        f"WHERE old.id = new.id AND old.id = ANY(CAST(%(accounts{number}_ids)s AS text[]))"
    )


@lru_cache
def _updating_numbers(columns: tuple[str, ...]) -> str:
    """Update numbers by their keys, which are repeated as in `_updating`."""
    key = ("seller", "number")
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns if column not in key)
    return (
        f"UPDATE {NumberRow.__tablename__} old SET {changes} "  # noqa: S608
        f"FROM json_populate_recordset(NULL::{NumberRow.__tablename__}, "
        "CAST(%(changed_numbers)s AS json)) new "
        "WHERE old.seller = new.seller AND old.number = new.number "
        "AND old.seller = ANY(CAST(%(sellers)s AS text[])) "
        "AND old.number = ANY(CAST(%(numbers)s AS text[]))"
    )
