"""Ids in blocks of 1000, so that a transaction knows the ids of its rows before it writes them.

A block takes one statement. Gaps are harmless.
"""

from threading import Lock

from sqlalchemy import Connection, text

_BLOCK = 1000


class Ids:
    """Hands out ids to the threads of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = self._end = 0

    def take(self, connection: Connection) -> int:
        """A new id, unique among all tables."""
        with self._lock:
            if self._next == self._end:
                self._next = connection.execute(text("SELECT nextval('ids')")).scalar_one()
                self._end = self._next + _BLOCK
            self._next += 1
            return self._next - 1
