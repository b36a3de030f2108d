"""Tables as files in CSV, sent while they are read, so that none is held in memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeVar

from starlette.responses import Response, StreamingResponse

from doors.application.csv_lines import csv_line
from doors.http.file_headers import CSV, kept_as

T = TypeVar("T")


def csv_file(
    name: str,
    columns: Sequence[str],
    rows: AsyncIterator[T],
    cells: Callable[[T], Iterable[object]],
) -> Response:
    """A file to keep: `name` without its ending, the headings, and the cells of each row.

    No spreadsheet runs a cell as a formula.
    """

    async def lines() -> AsyncIterator[str]:
        yield csv_line(columns)
        async for row in rows:
            yield csv_line(cells(row))

    return StreamingResponse(lines(), media_type=CSV, headers=kept_as(f"{name}.csv"))
