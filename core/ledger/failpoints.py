"""Named points at which a process can be made to die, for tests of crashes.

A point stands before and after every commit, every call of the card gateway, and at the end of
every activity, before its result is told: `renew.before_commit`, `charge.after_call`,
`expire.end`. A crash can leave work half done only at one of them.

Two environment variables are read once, when this module is imported. Without the first one a point
is a call that returns at once. A real process runs so.

PERENNIAL_FAILPOINTS   A directory. Reaching a point adds a byte to the file of its name. The size
                       of the file counts how often all processes with this directory, dead ones
                       included, have reached it.
PERENNIAL_FAIL_AT      Where to fail, separated by commas. `renew.end` kills the first process that
                       reaches that point, and `renew.end:3` the third. The signal is SIGKILL, so
                       nothing is rolled back, closed or logged. Each wish kills once, because the
                       next process that comes is the second (the fourth). `renew.end=STOP` stops
                       the process instead (SIGSTOP), so that a test can take a server away.
                       SIGCONT lets the process continue.

An installation cannot set these points (`settings.py` does not know them). A point keeps no state.
It can only end or stop a process.
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
    """The process has reached the point of this name."""
    if _points is not None:
        _points.reach(name)


def inside(name: str) -> AbstractContextManager[None]:
    """Points of transactions in the block carry the name of this use case."""
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
    """The points of a process that was asked to fail or to count."""

    def __init__(self, directory: Path, fail_at: str = "") -> None:
        self._directory = directory
        self._fail_at = dict(_wish(wish) for wish in fail_at.split(",") if wish)

    def reach(self, name: str) -> None:
        """Count it, and end or stop the process if that was asked for."""
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
