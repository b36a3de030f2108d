"""Migrations run while others write: writers wait for seconds at most, and nothing is half done."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from core.ledger import database as module
from core.ledger.database import migrate
from local import postgres
from settings import PREFIX, PROJECT
from tests.ledger.conftest import Shop

WAITS = (
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE NOT granted AND mode = 'AccessExclusiveLock' AND d.datname = current_database()"
)
ALLOWED = (
    "SELECT obj_description(oid, 'pg_constraint') <> 'of an older version' "
    "FROM pg_constraint WHERE conname = 'history_event'"
)


@pytest.fixture
def older(shop: Shop, database: str) -> Iterator[psycopg.Connection]:
    """A reader of the history that has not finished, in a database of an older version."""
    shop.open()
    shop.run("COMMENT ON CONSTRAINT history_event ON history IS 'of an older version'")
    with psycopg.connect(database.replace("+psycopg", "")) as reader:
        reader.execute("SELECT count(*) FROM history")
        yield reader


def test_writers_go_on_while_a_migration_waits_for_a_table(
    shop: Shop, database: str, older: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as pool:
        migration = pool.submit(migrate, database)
        while not shop.value(WAITS):
            assert not migration.done()
        # The purchase adds to the history, and the migration is before it in the queue.
        assert shop.buy("s1").refusal is None
        assert not migration.done()
        older.rollback()
        migration.result(30)
    assert shop.value(ALLOWED)
    assert shop.buy("s2").refusal is None


def test_a_migration_that_never_gets_its_lock_gives_up_and_changes_nothing(
    shop: Shop, database: str, older: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    with pytest.raises(OperationalError) as gave_up:
        migrate(database)
    assert isinstance(gave_up.value.orig, LockNotAvailable)
    assert not shop.value(ALLOWED)


def test_two_migrations_of_an_empty_database_at_once_are_one(postgres_url: str) -> None:
    name = f"empty_{uuid.uuid4().hex}"
    url = postgres.create_database(postgres_url, name)
    runs = [
        subprocess.Popen(
            [sys.executable, "starter.py", "migrate"],
            cwd=PROJECT,
            env={f"{PREFIX}DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 2, said
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM policies").fetchone() == (1,)
    postgres.drop_database(postgres_url, name)
