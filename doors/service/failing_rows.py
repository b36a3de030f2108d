"""The rows that the relay could not process, and when it tries each of them again.

They are kept in the memory of the relay's process. After a restart each of them is tried once more
at once. A row that fails costs one attempt for each gap, and it stops no other row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from doors.application.patience import first_line

log = structlog.get_logger()

FIRST_GAP, LONGEST_GAP = 10.0, 3600.0
"""Seconds between two attempts. Each gap is twice the one before it."""
MOST_ROWS = 10_000
"""The rows of one part that are remembered. The one that failed first is forgotten first."""


class _Setback(NamedTuple):
    gap: float
    again: float


@dataclass(slots=True)
class FailingRows:
    """The failing rows of one part of the relay's work.

    `part`: the name of the part.
    `now`: the seconds of a clock. Default: the machine's monotonic clock.
    """

    part: str
    now: Callable[[], float] = time.monotonic
    _setbacks: dict[str, _Setback] = field(default_factory=dict)

    def failed(self, subject: str, error: Exception) -> None:
        """Report a row, and leave it alone for a while."""
        before = self._setbacks.pop(subject, None)
        gap = FIRST_GAP if before is None else min(2 * before.gap, LONGEST_GAP)
        if len(self._setbacks) >= MOST_ROWS:
            del self._setbacks[next(iter(self._setbacks))]
        self._setbacks[subject] = _Setback(gap, self.now() + gap)
        log.error(
            "relay_row_failed",
            part=self.part,
            subject=subject,
            error=f"{type(error).__name__}: {first_line(error)}",
            again_in=gap,
        )

    def waiting(self) -> list[str]:
        """The rows that are not tried yet.

        A row that has not failed again for another gap after its attempt is forgotten.
        """
        now = self.now()
        for subject, setback in list(self._setbacks.items()):
            if setback.again + setback.gap <= now:
                del self._setbacks[subject]
        return [subject for subject, setback in self._setbacks.items() if setback.again > now]
