"""The rows of a campaign from a CSV file: ids of subscriptions, each with its line.

The file has one id in each line. Or its first line names columns and one of them is `subscription`,
as in the CSV of `starter.py list`. The other columns are not read. Encoding and delimiter are
recognised (`file_shape.py`).
"""

from pathlib import Path

from core.domain.campaigns import MOST_ROWS, Row
from core.domain.faults import Fault, Faults
from doors.intake.csv_rows import csv_rows
from doors.intake.file_shape import shape_of

COLUMN = "subscription"
LARGEST_FILE = 50_000_000
"""Bytes of a file. A line of `starter.py list` has some hundreds."""


def read_rows(file: Path) -> list[Row]:
    """The rows of a file. Raises `Faults` for the file, and OSError if it cannot be read.

    The ids are checked when the campaign is made (`core.domain.campaigns`).
    """
    if file.stat().st_size > LARGEST_FILE:
        raise Faults([Fault(str(file), f"has more than {LARGEST_FILE} bytes")])
    found: list[Row] = []
    column: int | None = None
    for line, cells, _ in csv_rows(file, shape_of(file, None, (COLUMN,))):
        if column is None:
            column = _column(cells)
            if cells[column].strip().lower() == COLUMN:
                continue
        found.append(Row(line, cells[column].strip() if column < len(cells) else ""))
        if len(found) > MOST_ROWS:
            raise Faults([Fault(str(file), f"has more than {MOST_ROWS} rows")])
    if not found:
        raise Faults([Fault(str(file), "has no rows: nothing to do")])
    return found


def _column(first: list[str]) -> int:
    """The column of ids, by the first line. Raises `Faults`."""
    names = [cell.strip().lower() for cell in first]
    if COLUMN in names:
        return names.index(COLUMN)
    if len(first) > 1:
        reason = f"has {len(first)} columns, and none is called {COLUMN}"
        raise Faults([Fault("line 1", reason)])
    return 0
