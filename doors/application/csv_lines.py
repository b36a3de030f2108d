"""Cells as lines of CSV that a spreadsheet can open."""

import csv
from collections.abc import Iterable
from io import StringIO

from doors.application.safe_text import spreadsheet_cell


def csv_line(cells: Iterable[object]) -> str:
    """Return cells as a line of CSV that a spreadsheet can open. No cell is run as a formula."""
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return spreadsheet_cell(text)
