"""When a request is sent again: after growing gaps, up to a limit."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Seconds of the first gap and of the longest one.
SHORTEST, LONGEST = 0.2, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and for how long a request is sent again.

    `attempts`: how often it is sent at most. 1: never again.
    `seconds`: no attempt begins later than this after the first one.
    `now`: seconds of a clock that never goes back. `chance`: a number from 0 to 1 for the next gap.
    """

    attempts: int = 6
    seconds: float = 60.0
    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        """Raises ValueError for a limit that allows no attempt."""
        if self.attempts < 1 or self.seconds < 0:
            raise ValueError("at least one attempt and no negative time are needed")

    def gap(self, attempt: int, began: float, retry_after: float | None) -> float | None:
        """Seconds until the next attempt. None: there is none.

        `attempt`: how many were made. `began`: when the first one began. A gap is between half of
        its length and all of it, so that callers who failed together do not come back together.
        What the API asks for is never cut short.
        """
        if attempt >= self.attempts:
            return None
        gap = min(LONGEST, SHORTEST * 2 ** (attempt - 1)) * (1 + self.chance()) / 2
        if retry_after is not None:
            gap = retry_after + gap
        return gap if self.now() + gap <= began + self.seconds else None


def seconds_of(retry_after: str | None) -> float | None:
    """The seconds that a header `Retry-After` asks for, as a number or as a date. None if none."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
