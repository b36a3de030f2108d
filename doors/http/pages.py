"""Pages of lists. The cursor is the key of the last row, so new rows do not shift it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[T]):
    """A page of a list.

    `data`: its rows.
    `next`: what the parameter `after` of the next page is. None on the last page.
    """

    data: list[T]
    next: str | None


def page_of(rows: Iterator[T], most: int, key: Callable[[T], object]) -> Listed[T]:
    """The first `most` rows of a list. `key`: the key of a row."""
    found = list(islice(rows, most + 1))
    rest = len(found) > most
    return Listed(data=found[:most], next=str(key(found[most - 1])) if rest else None)
