"""Named points at which a process can be made to die, for tests of crashes.

Owns the names' meaning and how one asks for a death. A point stands before and after every commit, every call of the card gateway, and at
the end of every activity, before its result is told to anybody: `renew.before_commit`, `charge.after_call`, `expire.end`. Whatever a crash
may cut in two is cut at one of them.

Two variables of the environment, read once, when this module is imported. Without the first, which is how a real process runs,
a point is a call that returns at once.

PERENNIAL_FAILPOINTS   a directory. Whenever a point is reached, a byte is added to the file of its name: the file's size says how often
                       it was reached, by all processes that know the directory together, those that have died included.
PERENNIAL_FAIL_AT      where to fail, separated by commas: `renew.end` kills the process that is the first to reach that point, `renew.end:3`
                       the third. SIGKILL: nothing is rolled back, closed or said. Each happens once, because the next one to come is the
                       second (the fourth). `renew.end=STOP` stops the process instead (SIGSTOP), for a server to be taken away
                       meanwhile; SIGCONT lets it go on.

No setting of an installation (`settings.py` does not know it) and no state: it cannot change what a process does but by ending it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path

DIRECTORY = "PERENNIAL_FAILPOINTS"
FAIL_AT = "PERENNIAL_FAIL_AT"

_name: ContextVar[str] = ContextVar("failpoint", default="unnamed")
_nothing = nullcontext()


def reach(name: str) -> None:
    """The process has come to the point of this name."""
    if _points is not None:
        _points.reach(name)


def inside(name: str) -> AbstractContextManager[None]:
    """What runs in the block belongs to the use case of this name, and so do the points of its transactions."""
    return _nothing if _points is None else _inside(name)


def here() -> str:
    """The name of the use case that is running."""
    return _name.get()


@contextmanager
def _inside(name: str) -> Iterator[None]:
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)


class Failpoints:
    """The points of a process that was asked to fail, or to count."""

    def __init__(self, directory: Path, fail_at: str = "") -> None:
        self._directory = directory
        self._fail_at = dict(_wish(wish) for wish in fail_at.split(",") if wish)

    def reach(self, name: str) -> None:
        """Count it; end or stop the process if that was asked for."""
        with (self._directory / name).open("ab", buffering=0) as file:
            file.write(b".")
            count = file.tell()
        number = self._fail_at.get((name, count))
        if number is not None:
            signal.raise_signal(number)


def _wish(text: str) -> tuple[tuple[str, int], signal.Signals]:
    where, _, how = text.partition("=")
    name, _, count = where.partition(":")
    return (name, int(count or 1)), signal.Signals[f"SIG{how or 'KILL'}"]


def _from_environment() -> Failpoints | None:
    directory = os.environ.get(DIRECTORY)
    return Failpoints(Path(directory), os.environ.get(FAIL_AT, "")) if directory else None


_points = _from_environment()
