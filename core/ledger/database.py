"""The one place that builds an engine and runs the migrations."""

import select
from pathlib import Path
from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, OperationalError

from core.ledger import row_security
from core.ledger.described_once import DescribedOnce
from core.ledger.lasting_statements import open_connection

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK_SECONDS = 2
"""How long one attempt to migrate waits for a lock that another transaction holds."""

ATTEMPTS = 15
"""How often a migration is tried before it gives up."""


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """An engine with a pool of connections. A closed connection is noticed before it is used.

    All transactions are READ COMMITTED. What must be serial locks the account's row
    (`core.ledger.ledger`).
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        connect_args={
            "connect_timeout": 10,
            "options": "-c timezone=UTC -c lock_timeout=60s",
            "application_name": "perennial",
            "cursor_factory": DescribedOnce,
        },
    )
    event.listen(engine, "do_connect", open_connection)
    event.listen(engine, "checkout", _refuse_closed)
    row_security.watch(engine)
    return engine


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that the server has closed. The pool then opens a new one.

    A connection that is readable while idle has been closed by the server. The check costs no
    round trip. If a server vanishes without closing, the first statement fails and the caller
    retries.
    """
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        raise InvalidatePoolError("the database has closed the connection")


def migrate(url: str) -> None:
    """Bring the schema to the newest version. Does nothing when it is there.

    Writers wait at most `LOCK_SECONDS` for a migration that waits for a lock. After `ATTEMPTS` such
    waits it raises `sqlalchemy.exc.OperationalError`, and nothing has changed.
    """
    from alembic import command  # It loads much that only a migration needs.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    config.attributes["lock_seconds"] = LOCK_SECONDS
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable) or not attempts_left:
                raise
        else:
            return
