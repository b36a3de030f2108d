"""Who acts, and from where, for the audit. A door says it once, and every record below has it.

A person at the command line acts as "command line" unless a door says otherwise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LONGEST_ADDRESS = 100
"""Characters of an address from which a request came."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts. `actor`: as in the history. `by`: the key or the session. `address`: from where."""

    actor: str = "command line"
    by: str = "command line"
    address: str = ""


COMMAND_LINE = Acting()
_acting: ContextVar[Acting] = ContextVar("acting", default=COMMAND_LINE)


def acting() -> Acting:
    """Who acts now."""
    return _acting.get()


def from_here(acting: Acting) -> None:
    """Say who acts from here on in this request."""
    _acting.set(acting)


@contextmanager
def as_one(acting: Acting) -> Iterator[None]:
    """Say who acts in a block."""
    token = _acting.set(acting)
    try:
        yield
    finally:
        _acting.reset(token)
