"""Lists, page by page: rows come as they are needed, however many there are."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list. `next`: the `after` of the next page. None on the last one."""

    data: tuple[T, ...]
    next: str | None


class Rows(Generic[T]):
    """The rows of a list. Each iteration begins anew and reads page after page.

    Rows that are written meanwhile neither shift nor repeat a row.
    """

    def __init__(self, read: Callable[[str | None], Page[T]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[T]:
        """The rows of all pages."""
        after: str | None = None
        while True:
            page = self._read(after)
            yield from page.data
            if page.next is None:
                return
            after = page.next

    def page(self) -> Page[T]:
        """The first page alone."""
        return self._read(None)


class AsyncRows(Generic[T]):
    """The same for `async for`."""

    def __init__(self, read: Callable[[str | None], Awaitable[Page[T]]]) -> None:
        self._read = read

    async def __aiter__(self) -> AsyncIterator[T]:
        """The rows of all pages."""
        after: str | None = None
        while True:
            page = await self._read(after)
            for row in page.data:
                yield row
            if page.next is None:
                return
            after = page.next

    async def page(self) -> Page[T]:
        """The first page alone."""
        return await self._read(None)
