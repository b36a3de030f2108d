"""One migrated database for the tests of a process, emptied after each of them.

A new database for each test costs more than many tests do: its files are copied, and each new
connection makes its plans and compiles its functions anew. So connections outlive the engines that
opened them, too. A test that changes the schema, or writes many rows, is the last one of its
database. The next test then gets a new copy.
"""

import contextlib
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.util import LRUCache

from core.ledger.lasting_statements import LastingStatements
from local import postgres
from local.app_role import as_workers

MOST_TESTS = 60
"""So many tests use a database before the next copy. Deleted rows make its indexes longer."""

MOST_ROWS = 5_000
"""A test that leaves more rows than this is the last one of its database."""

WORKERS = "perennial_app"
"""The role of the workers (deploy/postgres/)."""

NewDatabase = Callable[[], contextlib.AbstractContextManager[str]]
"""Makes a migrated database, gives its URL, and drops it after the block."""

_KEPT = "alembic_version"

_PREPARE = """
CREATE SCHEMA tests;
CREATE TABLE tests.changes (tag text);
CREATE FUNCTION tests.note_change() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET session_replication_role = origin AS $$ BEGIN
  INSERT INTO tests.changes VALUES (tg_tag);
END $$;
GRANT USAGE ON SCHEMA tests TO PUBLIC;
CREATE FUNCTION tests.empty_all() RETURNS bigint
LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE emptied bigint := 0; here bigint; BEGIN
{deletions}
PERFORM setval(sequencename::text::regclass, start_value, false) FROM pg_sequences
  WHERE schemaname = 'public' AND last_value IS NOT NULL;
PERFORM pg_clear_relation_stats('public', relname::text) FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples <> -1;
RETURN emptied;
END $$;
CREATE EVENT TRIGGER note_change ON ddl_command_end EXECUTE FUNCTION tests.note_change();
"""
EMPTY = "SELECT tests.empty_all()"
"""Deletes all rows, and lets all sequences begin anew. It returns the number of rows.

What PostgreSQL has counted is forgotten, too: reconciliation divides its work by it.
"""

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> %s"
_CHANGED = """
SELECT EXISTS (SELECT FROM tests.changes) OR EXISTS (
  SELECT FROM pg_db_role_setting WHERE setdatabase = (
    SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_END_OTHERS = """
SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid() AND pid <> ALL (%s)
"""
_AS_NEW = """
RESET SESSION AUTHORIZATION; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP;
SELECT pg_advisory_unlock_all();
"""


class KeptConnections:
    """Connections to one database that engines have closed. New engines get them again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = ""
        self._kept: dict[str, list[psycopg.Connection[Any]]] = defaultdict(list)
        self._made_for: dict[int, str] = {}

    def of(self, database: str) -> None:
        """Keep the connections to this database from now on. Those that are kept are closed."""
        with self._lock:
            kept, self._kept = self._kept, defaultdict(list)
            self._database = database
        for connections in kept.values():
            for connection in connections:
                connection.close()

    def watch(self, engine: Engine) -> Engine:
        """Let the engine take its connections from the kept ones."""
        event.listen(engine, "do_connect", self._connect)
        return engine

    def pids(self) -> list[int]:
        """The server's processes of the kept connections."""
        with self._lock:
            return [one.info.backend_pid for some in self._kept.values() for one in some]

    def _connect(self, _dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        if options.get("dbname") != self._database:
            return None
        wanted = repr(sorted((key, value) for key, value in options.items() if key != "context"))
        while True:
            with self._lock:
                connection = self._kept[wanted].pop() if self._kept[wanted] else None
            if connection is None:
                connection = LastingStatements.connect(*arguments, **options)
                connection.kept_as = wanted
                return connection
            if not connection.closed:
                return connection

    def close(self, connection: Any) -> None:
        """Keep a connection that an engine closes, as if it were new."""
        wanted = getattr(connection, "kept_as", None)
        if (
            wanted is None
            or connection.closed
            or connection.info.dbname != self._database
            or connection.info.transaction_status != TransactionStatus.IDLE
        ):
            connection.close()
            return
        try:
            connection._notice_handlers.clear()
            connection.isolation_level = connection.read_only = connection.deferrable = None
            connection.autocommit = True
            connection.execute(_AS_NEW)
            connection.autocommit = False
        except psycopg.Error:
            connection.close()
            return
        with self._lock:
            self._kept[wanted].append(connection)


KEPT = KeptConnections()


def compile_once() -> None:
    """Let all engines of this process share the statements that they have compiled.

    Each test has an engine of its own, and would compile all its statements anew. That takes a
    third of the time of a short test. All engines of a process have the same server and dialect.
    """
    from core.ledger import database

    PGDialect_psycopg.__eq__ = lambda one, other: type(one) is type(other)
    PGDialect_psycopg.__hash__ = lambda one: hash(type(one))
    options = {"compiled_cache": LRUCache(2_000)}
    database.create_engine = partial(database.create_engine, execution_options=options)


def keep_connections() -> None:
    """Let closed connections be kept from now on, in this process."""
    from core.ledger import database

    create = database.create_engine
    database.create_engine = lambda *given, **more: KEPT.watch(create(*given, **more))
    PGDialect_psycopg.do_close = lambda _self, connection: KEPT.close(connection)
    PGDialect_psycopg.do_terminate = lambda _self, connection: connection.close()


def _connection(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def prepare(url: str) -> None:
    """Make a migrated database one that can be emptied, and that notes changes of its schema.

    The role of the workers has its rights in it (`of_workers`).
    """
    as_workers(url)
    with _connection(url) as connection:
        tables = [name for (name,) in connection.execute(_TABLES, (_KEPT,))]
        deletions = "\n".join(
            f"DELETE FROM {name}; GET DIAGNOSTICS here = ROW_COUNT; emptied := emptied + here;"
            for name in tables
        )
        connection.execute(_PREPARE.replace("{deletions}", deletions))
        assert connection.execute(EMPTY).fetchone() == (0,), "a migration writes no rows"


def of_workers(url: str) -> str:
    """The URL of the shared database for the role that the workers of an installation have."""
    owner = make_url(url)
    return owner.set(username=WORKERS).render_as_string(hide_password=False)


class SharedDatabase:
    """The database that the tests of this process use one after the other."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._name = self.url = ""
        self._tests = 0

    def lend(self) -> str:
        """The URL of the empty database."""
        if not self.url:
            self._name = f"test_{uuid.uuid4().hex}"
            self.url = postgres.create_database(self._server, self._name, template=self._template)
            self._tests = 0
            KEPT.of(self._name)
            self._keeper = _connection(self.url)
        self._tests += 1
        return self.url

    def take_back(self) -> None:
        """End what the test has left running, and empty the database."""
        if self._tests >= MOST_TESTS or not self._emptied():
            self.drop()

    def drop(self) -> None:
        """Drop the database."""
        if self.url:
            KEPT.of("")
            with contextlib.suppress(psycopg.Error):
                self._keeper.close()
            postgres.drop_database(self._server, self._name)
            self.url = ""

    def _emptied(self) -> bool:
        try:
            self._keeper.execute(_END_OTHERS, (KEPT.pids(),))
            (changed,) = self._keeper.execute(_CHANGED).fetchone()
            if changed:
                return False
            (rows,) = self._keeper.execute(EMPTY).fetchone()
        except psycopg.Error:
            return False
        return rows <= MOST_ROWS
