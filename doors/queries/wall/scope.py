"""What a wall shows: one seller, the accounts of one clock, and a stretch of time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.queries.clocks import find_clock

MOST_DAYS = 62
"""So many days are looked at, at most."""
MOST_ROWS = 20_000
"""So many lines are looked at where each needs a look-up of its own."""


class Unit(StrEnum):
    """How long a stretch is that is counted together."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Scope:
    """The seller of a ledger, a clock, and the stretch from `since` up to `until` (UTC).

    `clock`: a test clock, whose accounts are counted. None: the accounts without one.
    `now`: the instant of the clock (UTC).
    """

    ledger: Ledger
    clock: str | None
    now: datetime
    since: datetime
    until: datetime

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of all statements of the wall."""
        return {
            "seller": self.ledger.seller,
            "clock": self.clock,
            "now": self.now,
            "since": self.since,
            "until": self.until,
            "most": MOST_ROWS,
        }

    @property
    def accounts(self) -> str:
        """The condition in SQL that accounts ``a`` are of the seller and the clock.

        A comparison of a column with a parameter that may be null is believed to hold for no row,
        and then PostgreSQL reads all accounts for each line.
        """
        return f"a.seller = :seller AND {self.on_clock('a')}"

    def on_clock(self, table: str) -> str:
        """The condition in SQL that rows of a table are of the clock, such that an index fits."""
        return f"{table}.clock IS NULL" if self.clock is None else f"{table}.clock = :clock"


def last_days(ledger: Ledger, days: int, clock: str | None = None) -> Scope:
    """The last days up to the end of today, in UTC.

    Raises ValueError for days beyond 1 to `MOST_DAYS`, and NotFound for an unknown clock.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"1 to {MOST_DAYS} days are shown, not {days}")
    now = machine_now() if clock is None else find_clock(ledger, clock).now
    tomorrow = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return Scope(ledger, clock, now, tomorrow - timedelta(days=days), tomorrow)
