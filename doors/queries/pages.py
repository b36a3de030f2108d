"""Lists in pages: a list is read as a stream, page by page, each page in a transaction of its own.

A page starts after the key of the last row before it. So rows that are written meanwhile neither
shift nor repeat a row, and no list is held in memory as a whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

#: The most rows that are read to tell how many more there are.
MOST_COUNTED = 1000

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list.

    `rows`: the rows of the page.
    `more`: how many rows follow, at most `MOST_COUNTED`.
    """

    rows: list[T]
    more: int


def stream(read: Callable[[K | None], tuple[list[T], K | None]], after: K | None) -> Iterator[T]:
    """The rows of a list, from the one after the key `after` on. None is the start.

    `read`: returns the rows of the page after a key, and the key of the next page. A page may be
    empty. The key is None after the last page.
    """
    while True:
        rows, after = read(after)
        yield from rows
        if after is None:
            return


def first_page(rows: Iterator[T], most: int) -> Page[T]:
    """The first `most` rows of a stream, and how many follow."""
    return Page(rows=list(islice(rows, most)), more=sum(1 for _ in islice(rows, MOST_COUNTED)))
