"""Small helpers for reading what a person wrote, so that every file's faults speak in one way.

Owns the spelling of places (``policy.retry_days[1]``) and of "unknown key"; what is allowed where is with each document's own module.
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
    """A key as a place shows it: as it is; quoted and shortened when it is long, cannot be printed in a line, or is no text."""
    return key if _plain(key) else shown(key)


def unknown_key(place: str, key: object, known: Sequence[str]) -> Fault:
    """The fault of a key that is not known, with the one it resembles or else with all that are."""
    close = get_close_matches(key, known, n=1) if _plain(key) else []
    return Fault(
        at(place, key),
        f"unknown key; did you mean {close[0]}?"
        if close
        else f"unknown key; allowed are {', '.join(known)}",
    )


def whole(value: object) -> TypeGuard[int]:
    """Whether the value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(key: object) -> TypeGuard[str]:
    return isinstance(key, str) and key.isprintable() and len(key) <= _LONGEST_KEY
