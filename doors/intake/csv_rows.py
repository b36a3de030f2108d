"""The rows of a CSV file, read as a stream with bounds and with the line of each row.

A fault is reported where it is. A quote that is never closed is reported with the line in which it
opens, however far reading went on.
"""

import csv
import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO

from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from doors.intake.file_shape import DELIMITERS, LONGEST_LINE, FileShape

LONGEST_CELL = 100_000
"""Characters of a cell."""
csv.field_size_limit(LONGEST_CELL)


class CsvRow(NamedTuple):
    """A row of a file.

    `line`: the line in which it begins, counted from one.
    `cells`: its cells as they are written, without quotes.
    `last_line`: the line in which it ends, which is another one if a cell has line ends.
    """

    line: int
    cells: list[str]
    last_line: int


def digest_of(file: Path) -> str:
    """The SHA-256 of a file's content, by which an import is known again. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def csv_rows(file: Path, shape: FileShape) -> Iterator[CsvRow]:
    """The rows of a CSV file, with the header, without rows of empty cells.

    Raises `Faults` for a file that is not CSV, and OSError for the file.
    """
    with file.open(encoding=shape.codec, newline="") as opened:
        yield from _rows(opened, shape)


def header_of(file: Path, shape: FileShape) -> list[str]:
    """The names of the columns, without blanks around them.

    Raises `Faults` if there are none, or if they cannot be printed.
    """
    first = next(csv_rows(file, shape), None)
    if first is None:
        raise Faults([Fault("line 1", "is empty; it has the names of the columns")])
    header = [name.strip() for name in first.cells]
    if odd := next((name for name in header if not name.isprintable()), None):
        reason = f"the column {shown(odd)} has characters that cannot be printed"
        raise Faults([Fault(f"line {first.line}", f"{reason}: is this a CSV file?")])
    return header


def _rows(opened: TextIO, shape: FileShape) -> Iterator[CsvRow]:
    lines = _Lines(opened, shape.skipped)
    reader = csv.reader(
        lines,
        delimiter=DELIMITERS[shape.delimiter],
        quotechar=None if shape.quote == "none" else shape.quote,
        quoting=csv.QUOTE_NONE if shape.quote == "none" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    while True:
        lines.begin_row()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            _refuse(lines, shape, str(error))
        if cells is None:
            return
        if any(cell and not cell.isspace() for cell in cells):
            yield CsvRow(lines.row, cells, lines.number)


class _Lines:
    """The lines of a file, with those of the row that is being read."""

    def __init__(self, opened: TextIO, skip_first: bool) -> None:
        self._opened = opened
        self.number = 0
        self.row = 1
        self.kept: list[str] = []
        if skip_first:
            next(self)

    def begin_row(self) -> None:
        self.row = self.number + 1
        self.kept.clear()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._opened.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST_LINE:
            reason = f"has more than {LONGEST_LINE} characters"
            raise Faults([Fault(f"line {self.number}", reason)])
        self.kept.append(line)
        return line


def _refuse(lines: _Lines, shape: FileShape, error: str) -> NoReturn:
    """Raise `Faults` with the place of what is wrong with the row that was read last."""
    opened = _last_quote(lines, shape)
    if opened is None or "new-line" in error:
        reason = f"a cell has more than {LONGEST_CELL} characters"
        raise Faults([Fault(f"line {lines.row}", reason)])
    line, cell, closed, after = opened
    mark = shape.quote
    twice = f"a {mark} inside a quoted cell is written twice"
    where = f"the {mark} that opens cell {cell}"
    if closed is None:
        reason = f"{where} is never closed; close it"
        reason += ", or write quote: none in a mapping" if shape.mapped else ""
    elif closed == line:
        reason = f"{where} is closed before {shown(after)}; {twice}"
    else:
        reason = f"{where} is not closed in its line, but in line {closed} only; {twice}"
    raise Faults([Fault(f"line {line}", reason)])


def _last_quote(lines: _Lines, shape: FileShape) -> tuple[int, int, int | None, str] | None:
    """Where the quote opens that reading stumbled over.

    Returns its line, the number of its cell, the line in which it is closed (None: never), and the
    text after that.
    """
    delimiter, mark = DELIMITERS[shape.delimiter], shape.quote
    cell, at_start, opened, closed = 1, True, None, None
    text = list(chain.from_iterable(lines.kept))
    line, index = lines.row, 0
    found: tuple[int, int] | None = None
    while index < len(text):
        character = text[index]
        if opened is None:
            if closed is not None and character not in (delimiter, "\r", "\n"):
                assert found is not None
                return (*found, closed, "".join(text[index : index + 30]).split("\n")[0].strip())
            closed = None
            if character == mark and at_start:
                opened = found = (line, cell)
            at_start = character == delimiter
            cell += character == delimiter
        elif character == mark:
            if text[index + 1 : index + 2] == [mark]:
                index += 1
            else:
                opened, closed, at_start = None, line, False
        line += character == "\n"
        index += 1
    return None if opened is None else (*opened, None, "")
