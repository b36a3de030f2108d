"""How alembic reaches the database: by the URL that `core.ledger.database.migrate` passes on.

Two migrations at the same time wait for each other. A migration that waits for a table blocks the
writers that come after it. So it gives up after a short wait, and `migrate` starts it again.
"""

from alembic import context
from sqlalchemy import create_engine, pool, text

from core.ledger.allowed_words import allow_words
from core.ledger.tables import Base

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(7240011)"))
        wait = context.config.attributes["lock_seconds"]
        connection.execute(text(f"SET LOCAL lock_timeout = '{wait}s'"))
        context.run_migrations()
        allow_words(connection, Base.metadata)
engine.dispose()
