"""The baseline migration creates what tables.py says, constraint by constraint."""

import uuid
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, MetaData, create_engine, text

from core.gateways import simulated_cards
from core.ledger.allowed_words import allow_words
from core.ledger.database import MIGRATIONS
from core.ledger.tables import Base
from local import postgres

CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, replace(pg_get_constraintdef(oid), ' NOT VALID', '')
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't'
  AND conrelid <> 0 AND conrelid::regclass::text <> 'alembic_version'
"""
INDEXES = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, collation_name
  FROM information_schema.columns WHERE table_schema = 'public'
   AND table_name IN (SELECT tablename FROM pg_tables) AND table_name <> 'alembic_version'
"""


def everything() -> MetaData:
    """The tables of the ledger and of the simulated gateway."""
    together = MetaData()
    for metadata in (Base.metadata, simulated_cards.metadata):
        for table in metadata.sorted_tables:
            table.to_metadata(together)
    return together


@pytest.fixture
def migrated(database: str) -> Iterator[Engine]:
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def declared(postgres_url: str) -> Iterator[Engine]:
    """A database with what the tables declare, without migrations."""
    name = f"declared_{uuid.uuid4().hex}"
    engine = create_engine(postgres.create_database(postgres_url, name))
    everything().create_all(engine)
    yield engine
    engine.dispose()
    postgres.drop_database(postgres_url, name)


@pytest.mark.filterwarnings(
    "ignore:Can't validate argument 'dialect_options'"
)  # Of alembic itself.
def test_autogenerate_finds_nothing_to_do(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), everything()) == []


@pytest.mark.parametrize("query", [CONSTRAINTS, INDEXES, COLUMNS])
def test_the_migrated_schema_is_the_declared_one(
    migrated: Engine, declared: Engine, query: str
) -> None:
    assert rows(migrated, query) == rows(declared, query)


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return sorted(tuple(map(str, row)) for row in connection.exec_driver_sql(query))


def test_there_is_one_migration_and_every_guard_has_a_head_comment() -> None:
    assert [path.name for path in (MIGRATIONS / "versions").glob("*.py")] == ["0001_baseline.py"]
    guards = list((MIGRATIONS.parent / "guards").glob("*.sql"))
    baseline = (MIGRATIONS / "versions" / "0001_baseline.py").read_text()
    for guard in guards:
        assert guard.read_text().startswith("-- ")
        assert f'"{guard.stem}"' in baseline


def test_a_new_word_is_allowed_without_a_migration(migrated: Engine) -> None:
    """The constraint of an enumeration that has changed is made anew, and no other one."""
    changed = MetaData()
    for table in Base.metadata.sorted_tables:
        table.to_metadata(changed)
    for constraint in changed.tables["history"].constraints:
        if constraint.name == "history_event":
            assert isinstance(constraint, CheckConstraint)
            constraint.sqltext = text(f"{constraint.sqltext} OR event = 'made up'")
    with migrated.begin() as connection:
        before = oids(connection)
        allow_words(connection, changed)
        after = oids(connection)
    assert {name for name in before if before[name] != after[name]} == {"history_event"}
    definitions = [str(row) for row in rows(migrated, CONSTRAINTS) if "history_event" in row]
    assert "made up" in definitions[0]


def oids(connection: Connection) -> dict[str, int]:
    found = connection.exec_driver_sql("SELECT conname, oid FROM pg_constraint WHERE contype = 'c'")
    return dict(found.all())
