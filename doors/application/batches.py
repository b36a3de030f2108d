"""A batch goes on past a row that raises, and reports the row.

A server that is away is no fault of a row. It ends the batch.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from doors.application.patience import is_passing

T = TypeVar("T")
R = TypeVar("R")

RowFailed = Callable[[T, Exception], None]
"""Is called with a row that failed, and with its error."""


def past_failing_rows(
    rows: Sequence[T], work: Callable[[Sequence[T]], R], failed: RowFailed[T]
) -> Iterator[R]:
    """Work on all rows at once, and return the result.

    If that raises, the halves of the batch are tried, down to the row that raises. So one failing
    row of 500 costs at most 18 further attempts. Raises errors of servers that are away.
    """
    if not rows:
        return
    try:
        yield work(rows)
    except Exception as error:
        if is_passing(error):
            raise
        if len(rows) == 1:
            failed(rows[0], error)
            return
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            yield from past_failing_rows(half, work, failed)
