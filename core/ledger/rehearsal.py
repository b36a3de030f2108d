"""A rehearsal: the use cases run on the real data, and nothing of it is committed.

So a preview cannot differ from what is done. All units of work of a rehearsal are savepoints of one
transaction, which is rolled back at the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import IsolationLevel

from core.ledger.ledger import Ledger


class Rehearsal(Ledger):
    """A ledger whose units of work are seen by the later ones and never committed."""

    commits: ClassVar[bool] = False

    def __init__(self, ledger: Ledger, connection: Connection) -> None:
        super().__init__(
            ledger.engine, ledger.seller, ledger.machine_now, every_seller=ledger.every_seller
        )
        self.ids, self.references = ledger.ids, ledger.references
        self.connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """The connection of the rehearsal, so that a reader sees what was done before."""
        yield self.connection

    @contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """A part of the rehearsal. It is taken back when it raises."""
        run = self.connection.exec_driver_sql
        # PostgreSQL takes the innermost savepoint of this name. The same words each time are
        # prepared once.
        run("SAVEPOINT part")
        try:
            yield self.connection
        except BaseException:
            if not self.connection.invalidated:  # The server is still there.
                run("ROLLBACK TO SAVEPOINT part")
                run("RELEASE SAVEPOINT part")
            raise
        run("RELEASE SAVEPOINT part")

    def check(self) -> None:
        """Let the database check what it would check at a commit. Raises IntegrityError."""
        self.connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        self.connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def rehearsal(ledger: Ledger, isolation: IsolationLevel = "READ COMMITTED") -> Iterator[Rehearsal]:
    """Open a rehearsal. At its end everything is rolled back.

    `isolation`: what its transaction sees of what others commit meanwhile.
    """
    with ledger.engine.connect() as connection:
        reading = connection.execution_options(isolation_level=isolation)
        try:
            yield Rehearsal(ledger, reading)
        finally:
            connection.rollback()
