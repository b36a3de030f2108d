"""The due steps of one account, taken many at once. For plays of large accounts.

A renewal of a group is the step of all its members. Taken one by one, each of the others would lock
and read the account to find out that its step is done.
"""

from datetime import datetime

from core.domain.steps import Step
from core.ledger import due_steps
from core.ledger.due_steps import Due
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import DueStep
from doors.application.direct_engine import Direct


class TakenTogether:
    """Takes the steps of one account for one advance of its test clock.

    The first step of an instant takes all that are due until then, in the order of Rule 1.7. The
    others of that instant find nothing to do.
    """

    def __init__(self, ledger: Ledger, engine: Direct, account: str) -> None:
        self._ledger = ledger
        self._engine = engine
        self._account = account
        self._done_until: datetime | None = None

    async def take(self, item: Due, now: datetime) -> Step | None:
        """Take everything that is due at a business instant, unless it is done.

        Raises what a step raises that cannot be taken.
        """
        if self._done_until != now:
            first = self._first(now)
            while first is not None:
                self._engine.catch_up(self._account, now)
                left = self._first(now)
                if left == first:
                    self._engine.step(first, now)
                    left = self._first(now)
                if left == first:
                    raise RuntimeError(f"the step {first.kind} of {first.subject.id} never ends")
                first = left
            self._done_until = now
        return None

    def _first(self, now: datetime) -> DueStep | None:
        with self._ledger.read() as connection:
            return due_steps.first_of(connection, self._account, now, ())
