"""Files whose columns have fixed names: numbers, prices, usage. Their header and their rows."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.domain.inputs import either
from doors.intake.csv_rows import csv_rows
from doors.intake.file_shape import FileShape
from doors.intake.import_report import FAULT_COLUMNS, unguarded

TOO_LONG = "has more cells than the first line"
"""What is wrong with a row that is too long."""


def fixed_columns(
    header: Sequence[str],
    allowed: Sequence[str],
    needed: Sequence[str],
    unread: Sequence[str] = (),
) -> list[str]:
    """The names of the columns in small letters. A nameless column is not read.

    `allowed`, `needed`: the columns that the file may have, and those that it must have.
    `unread`: further columns that it may have.

    Raises `Faults` unless all columns are known, stand once, and the needed ones are there.
    """
    names = [name.lower() for name in header]
    wrong = [
        f"{shown(name)} is no column; allowed are {either(allowed)}"
        for name in names
        if name not in ("", *allowed, *unread)
    ]
    wrong += [f"{name} stands here twice" for name in allowed if names.count(name) > 1]
    wrong += [f"lacks the column {name}" for name in needed if name not in names]
    if wrong:
        raise Faults([Fault("line 1", reason) for reason in wrong])
    return names


class FixedRow(NamedTuple):
    """A row: its line, its cells as they are written, and without blanks by column.

    `cells` is empty for a row that is too long.
    """

    line: int
    written: list[str]
    cells: dict[str, str]


def fixed_rows(file: Path, shape: FileShape, columns: Sequence[str]) -> Iterator[FixedRow]:
    """The rows below the header. `columns`: as `fixed_columns` returns them.

    In a list of faulty rows the guards against formulas are taken off. Raises `Faults` for the
    file.
    """
    is_fault_list = set(FAULT_COLUMNS) <= set(columns)
    for line, row, _ in islice(csv_rows(file, shape), 1, None):
        written = [unguarded(cell) for cell in row] if is_fault_list else row
        named = zip(columns, (cell.strip() for cell in written), strict=False)
        yield FixedRow(line, written, {} if any(written[len(columns) :]) else dict(named))
