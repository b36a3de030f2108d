"""The one place that builds an engine and runs the migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine

MIGRATIONS = Path(__file__).parent / "migrations"


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """An engine with a pool of connections that are checked before use, so that a restarted database is found again.

    All transactions are READ COMMITTED: what must be serial locks the account's row (`ledger.work`).
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        connect_args={"connect_timeout": 10, "options": "-c timezone=UTC -c lock_timeout=60s", "application_name": "perennial"},
    )


def migrate(url: str) -> None:
    """Bring the schema to the newest version; does nothing where it is there."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")
