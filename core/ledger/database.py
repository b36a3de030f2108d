"""The one place that builds an engine and runs the migrations."""

import select
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

MIGRATIONS = Path(__file__).parent / "migrations"


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """An engine with a pool of connections that are looked at before use, so that a restarted database is found again.

    All transactions are READ COMMITTED: what must be serial locks the account's row (`core.ledger.unit_of_work`).
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
        },
    )
    event.listen(engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """A server that ends closes its connections, and then there is something to read where nobody has asked anything. Seeing that costs no round
    trip, which a ping would at every transaction. (One that vanishes without a word is noticed by the first statement, which is tried again.)"""
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        raise InvalidatePoolError("the database has closed the connection")


def migrate(url: str) -> None:
    """Bring the schema to the newest version; does nothing where it is there."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")
