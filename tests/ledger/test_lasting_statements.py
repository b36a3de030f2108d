"""A rollback takes back what was written, and leaves the prepared statements."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from core.ledger.database import connect

PREPARED = "SELECT statement FROM pg_prepared_statements"
OFTEN = 7
"""psycopg prepares a statement that was executed five times."""


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    opened = connect(database, pool_size=1)
    yield opened
    opened.dispose()


def prepare(connection: Connection) -> str:
    statement = "SELECT count(*) FROM accounts"
    for _ in range(OFTEN):
        connection.execute(text(statement))
    return statement


def prepared(connection: Connection) -> list[str]:
    return list(connection.execute(text(PREPARED)).scalars())


def rolled_back(connection: Connection) -> None:
    connection.rollback()


def closed(connection: Connection) -> None:
    connection.close()


def failed(connection: Connection) -> None:
    with pytest.raises(DBAPIError):
        connection.execute(text("SELECT 1 / 0"))
    connection.rollback()


@pytest.mark.parametrize("end", [rolled_back, closed, failed])
def test_statements_stay_prepared_after_a_transaction_that_is_rolled_back(
    engine: Engine, end: Callable[[Connection], None]
) -> None:
    with engine.connect() as connection:
        statement = prepare(connection)
        end(connection)
    with engine.connect() as connection:
        assert statement in prepared(connection)
        assert connection.execute(text(statement)).scalar() == 0


@pytest.mark.parametrize("end", [rolled_back, closed, failed])
def test_what_was_written_is_rolled_back(engine: Engine, end: Callable[[Connection], None]) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE written (n int)"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO written VALUES (1)"))
        end(connection)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM written")).scalar() == 0


def test_a_statement_is_planned_anew_when_its_table_has_changed(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (n int)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    with engine.connect() as connection:
        for _ in range(OFTEN):
            connection.execute(text("SELECT n FROM kept"))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE kept ADD m int"))
    with engine.connect() as connection:
        assert list(connection.execute(text("SELECT n FROM kept"))) == [(1,)]


def test_a_lost_connection_is_an_error_at_the_rollback_and_the_next_one_is_new(
    engine: Engine,
) -> None:
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        connection.execute(text("SELECT 1"))
        with psycopg.connect(**raw.info.get_parameters()) as other:
            other.execute("SELECT pg_terminate_backend(%s, 60000)", (raw.info.backend_pid,))
        with pytest.raises(OperationalError):
            connection.rollback()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
