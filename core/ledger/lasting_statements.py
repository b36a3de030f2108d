"""A connection that keeps its prepared statements when a transaction is rolled back.

Most reads end with a rollback, and so does a preview. psycopg then forgets all statements that it
has prepared, because a rollback may undo a change of the schema. PostgreSQL would read and plan
each of them anew. These connections never change the schema, and PostgreSQL itself plans a
statement anew when another connection has changed what it reads.
"""

from typing import Any

import psycopg
from psycopg import generators
from psycopg.pq import TransactionStatus

_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class LastingStatements(psycopg.Connection[Any]):
    """See the docstring of the module."""

    def rollback(self) -> None:
        """Roll back the transaction, if there is one.

        Raises `psycopg.OperationalError` if the connection is lost.
        """
        with self.lock:
            if self.pgconn.transaction_status in _OPEN:
                self.pgconn.send_query(b"ROLLBACK")
                self.wait(generators.execute(self.pgconn))
        # Only what could not be rolled back is left. psycopg tries it, and says why it cannot.
        super().rollback()


def open_connection(_dialect: Any, _record: Any, arguments: Any, options: Any) -> LastingStatements:
    """Open a connection for an engine. It is a listener of SQLAlchemy's event `do_connect`."""
    return LastingStatements.connect(*arguments, **options)
