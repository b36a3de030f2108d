"""How the places of faults are written, such as ``policy.retry_days[1]``.

Owns the spelling of places, of keys and of "unknown key", so that all faults look alike. What is
allowed at a place is with the module of each document.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from reprlib import repr as shown
from typing import TypeGuard

from core.domain.faults import Fault

__all__ = ["at", "key_in_words", "shown", "unknown_key", "whole"]

_LONGEST_KEY = 60


def at(place: str, key: object) -> str:
    """The place of a key inside a place."""
    return f"{place}.{key_in_words(key)}"


def key_in_words(key: object) -> str:
    """A key as a place shows it.

    A key that is long, cannot be printed or is not text is quoted and shortened.
    """
    return key if _plain(key) else shown(key)


def unknown_key(place: str, key: object, known: Sequence[str]) -> Fault:
    """The fault of an unknown key. It names the known key that is similar, or all known keys."""
    close = get_close_matches(key, known, n=1) if _plain(key) else []
    return Fault(
        at(place, key),
        f"unknown key; did you mean {close[0]}?"
        if close
        else f"unknown key; allowed are {', '.join(known)}",
    )


def whole(value: object) -> TypeGuard[int]:
    """Whether the value is a whole number. True and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(key: object) -> TypeGuard[str]:
    return isinstance(key, str) and key.isprintable() and len(key) <= _LONGEST_KEY
