"""What became of an import: its report, and the list of its faulty rows."""

import csv
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from doors.intake.file_shape import DELIMITERS, FileShape
from doors.intake.import_outlook import OutlookReport

FAULT_COLUMNS = ("fault_line", "fault_reason")
"""The columns that a list of faulty rows has before those of its source."""

_SHOWN_FAULTS = 20
#: Some spreadsheets take the wide forms for the narrow ones, and skip white space before them.
_FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row.

    `line`: the line in which the row begins, counted from one.
    `id`: the id of the row as it is in the file, perhaps empty.
    `reason`: all that is wrong, separated by semicolons.
    """

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The result of an import. Every row is imported, there already, or faulty.

    `rows`: rows of the file.
    `imported`: rows that became subscriptions. In a dry run, rows that would.
    `there`: rows whose subscription existed already.
    `faulty`: rows that were left out because of a fault.
    `skipped`: rows of the file that a newer version replaces, or that the mapping adds to another
    one. They do not count as rows.
    `left_out`: rows of the file that the mapping leaves out. They do not count as rows.
    `read_as`: how the file is written, in words.
    `started`: workflows that were started, also of subscriptions that existed without one.
    `unstarted`: workflows that could not be started. The relay tries again.
    `seconds`: how long the import lasted.
    `dry_run`: whether nothing was written.
    `import_id`: by which it can be undone. None in a dry run.
    `outlook`: what will become of the rows, in a dry run.
    `faults`: the first few faults.
    `not_brought_in`: the first few rows that the mapping leaves out, with reasons.
    """

    rows: int
    imported: int
    there: int
    faulty: int
    skipped: int
    left_out: int
    read_as: str
    started: int
    unstarted: int
    seconds: float
    dry_run: bool
    import_id: int | None
    outlook: OutlookReport | None
    faults: tuple[RowFault, ...]
    not_brought_in: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberReport:
    """The result of an import of numbers. Every row is imported, there already, or faulty.

    `rows`: rows of the file.
    `imported`: numbers that came into the inventory. In a dry run, numbers that would.
    `there`: numbers that the inventory had already. They are left as they are.
    `faulty`: rows that were left out because of a fault.
    `read_as`: how the file is written, in words.
    `seconds`: how long the import lasted.
    `dry_run`: whether nothing was written.
    `import_id`: by which it can be undone. None in a dry run.
    `faults`: the first few faults.
    """

    rows: int
    imported: int
    there: int
    faulty: int
    read_as: str
    seconds: float
    dry_run: bool
    import_id: int | None
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogReport(NumberReport):
    """The result of an import of SKUs and prices. Its fields are those of `NumberReport`.

    A row is there already if all entries of its SKU in the file are.
    """


class FaultList:
    """Counts the faulty rows, keeps the first few, and writes all of them to a file.

    Rows that a mapping leaves out are listed in the same way.

    The file has the columns of the source behind `FAULT_COLUMNS`, and the rows as they are in the
    source. So it can be mended and imported by itself, with the same mapping. It is written like
    the source, and no spreadsheet runs a cell of it as a formula.
    """

    def __init__(self, file: Path | None) -> None:
        self.count = 0
        self.first: list[RowFault] = []
        self._file = file
        self._opened: TextIO | None = None
        self._shape = FileShape()
        self._left_out: frozenset[int] = frozenset()

    def __enter__(self) -> "FaultList":
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def begin_list(self, header: Sequence[str], shape: FileShape) -> None:
        """Open the file and write its header.

        `header`: the columns of the source.
        `shape`: how the source is written.
        """
        if self._file is None:
            return
        self._left_out = frozenset(i for i, name in enumerate(header) if name in FAULT_COLUMNS)
        self._shape = shape
        self._opened = self._file.open(
            "w", encoding=shape.codec, errors="backslashreplace", newline=""
        )
        self._write(FAULT_COLUMNS, header)

    def add(self, fault: RowFault, *rows: Sequence[str]) -> None:
        """Add a faulty row. `rows`: its cells, of each row of the source that belongs to it."""
        self.count += 1
        if len(self.first) < _SHOWN_FAULTS:
            self.first.append(fault)
        for cells in rows:
            self._write((str(fault.line), fault.reason), cells)

    def _write(self, front: Sequence[str], cells: Sequence[str]) -> None:
        if self._opened is None:
            return
        kept = [cell for i, cell in enumerate(cells) if i not in self._left_out]
        row = [guarded(cell) for cell in (*front, *kept)]
        delimiter, quote = DELIMITERS[self._shape.delimiter], self._shape.quote
        if quote == "none":
            row = [cell.replace(delimiter, " ").replace("\n", " ") for cell in row]
            self._opened.write(delimiter.join(row) + "\n")
            return
        csv.writer(
            self._opened, delimiter=delimiter, quotechar=quote, lineterminator="\r\n"
        ).writerow(row)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula: ``=cmd()`` becomes ``'=cmd()``.

    Numbers such as -5.00 stay numbers. `unguarded` gives the cell back.
    """
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """The cell that `guarded` has written."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def fault_file(file: Path | None) -> AbstractContextManager[TextIO | None]:
    """Open a file for a list that an import writes. Without one, the value is None."""
    return (
        nullcontext()
        if file is None
        else file.open("w", encoding="utf-8", errors="replace", newline="")
    )
