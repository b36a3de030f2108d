"""Counts what a worker process of a bench has done."""

from typing import Any

import psutil
from sqlalchemy import Engine, event

from bench.site import Counts


class Tally:
    """Counts what this process has done.

    The threads of the process share it without a lock. A lost count is rare and does not matter.
    """

    def __init__(self) -> None:
        self.done = self.statements = self.round_trips = 0

    def watch(self, engine: Engine) -> None:
        """Count the statements of an engine. Its round trips include BEGIN, COMMIT and ROLLBACK."""

        def statement(*_: Any) -> None:
            self.statements += 1
            self.round_trips += 1

        def transaction(*_: Any) -> None:
            self.round_trips += 1

        event.listen(engine, "before_cursor_execute", statement)
        for name in ("begin", "commit", "rollback"):
            event.listen(engine, name, transaction)

    def counts(self) -> Counts:
        """Return what was done until now."""
        me = psutil.Process()
        times = me.cpu_times()
        return Counts(
            self.done,
            self.statements,
            self.round_trips,
            times.user + times.system,
            me.memory_info().rss,
        )
