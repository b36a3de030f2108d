"""Columns of a result are remembered, and they are always those that psycopg would tell."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from core.ledger.described_once import DescribedOnce


@pytest.fixture
def connection(postgres_url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    url = make_url(postgres_url)
    with psycopg.connect(
        host=str(url.query["host"]),
        port=str(url.query["port"]),
        user=url.username,
        dbname=url.database,
    ) as found:
        yield found
        found.rollback()


def told(cursor: "psycopg.Cursor[tuple[object, ...]]") -> list[tuple[object, ...]] | None:
    return None if cursor.description is None else [tuple(column) for column in cursor.description]


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1 AS one, 'two' AS two, now() AS three", "SELECT", "SET LOCAL work_mem = '8MB'"],
)
def test_the_columns_are_those_of_psycopg_the_first_and_each_later_time(
    connection: "psycopg.Connection[tuple[object, ...]]", statement: str
) -> None:
    plain = connection.cursor()
    plain.execute(statement)
    for _ in range(2):
        remembering = DescribedOnce(connection)
        assert remembering.description is None
        remembering.execute(statement)
        assert told(remembering) == told(plain)


def test_a_statement_whose_result_has_other_columns_now_is_described_anew(
    connection: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    cursor = DescribedOnce(connection)
    for columns in ("1 AS a", "'text' AS a", "1 AS a, 2 AS b"):
        cursor.execute(f"CREATE TEMP VIEW seen AS SELECT {columns}")
        cursor.execute("SELECT * FROM seen", prepare=False)
        plain = connection.cursor()
        plain.execute("SELECT * FROM seen", prepare=False)
        assert told(cursor) == told(plain)
        cursor.execute("DROP VIEW seen")


def test_the_columns_of_one_statement_are_not_told_for_another(
    connection: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    cursor = DescribedOnce(connection)
    cursor.execute("SELECT 1 AS a")
    assert [column[0] for column in told(cursor) or []] == ["a"]
    cursor.executemany("SELECT %s::int AS b", [(1,), (2,)], returning=True)
    assert [column[0] for column in told(cursor) or []] == ["b"]
    cursor.execute(b"SELECT 3 AS c")
    assert [column[0] for column in told(cursor) or []] == ["c"]
