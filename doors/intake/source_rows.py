"""The rows of a file of customers, as a mapping reads them.

Owns what stands between the cells and the customers: the header, second files, filters, several
versions of one id, and several lines of one subscription.

Memory stays flat. Of each row the first pass keeps a few numbers, and only if the mapping compares
rows with one another. The lines of a subscription are kept from its first line to its last one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from core.domain.fault_places import shown
from core.domain.inputs import Wrong
from core.domain.money import is_amount
from doors.intake import column_mapping
from doors.intake.csv_rows import CsvRow, csv_rows, header_of
from doors.intake.fields import LISTS
from doors.intake.file_shape import Declared, FileShape, shape_of
from doors.intake.import_report import FAULT_COLUMNS, RowFault, unguarded
from doors.intake.lookup_files import read_lookups
from doors.intake.row_keys import hash_of
from doors.intake.row_reader import ColumnMapping, RowReader

LeftOut = Callable[[RowFault, Sequence[str]], None]
"""Is called with each row that the filters leave out, and its cells."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One customer of the file.

    `line`: the line in which its first row begins.
    `rows`: the cells of its rows. There are several if the mapping adds them up.
    `values`: its values by field.
    `reasons`: all that is wrong with it.
    """

    line: int
    rows: tuple[Sequence[str], ...]
    values: dict[str, Any]
    reasons: list[str]

    @property
    def id(self) -> str:
        """Its id as it is in the file, perhaps empty."""
        return str(self.values.get("id", ""))


class SourceFile:
    """A file of customers and its mapping.

    `shape`: how the file is written.
    `header`: the names of its columns.
    `skipped`: rows of the last reading that a newer version replaces, or that were added to others.
    """

    def __init__(
        self, file: Path, mapping: ColumnMapping | None = None, limit: int | None = None
    ) -> None:
        """Look at the file and its header.

        `mapping`: which column is which field. Default: the columns are named like the fields.
        `limit`: the number of rows that are read. Default: all.

        Raises `Faults` if the file as a whole is wrong, and OSError if it cannot be read.
        """
        self._file, self._limit = file, limit
        wanted = mapping.columns if mapping else tuple(column_mapping.FIELDS)
        declared = mapping.declared if mapping else Declared()
        self.shape: FileShape = shape_of(file, declared, wanted)
        self.header = header_of(file, self.shape)
        self.mapping = mapping or column_mapping.by_field_names(self.header)
        self.skipped = 0
        lookups = read_lookups(self.mapping)
        self._reader: RowReader = self.mapping.reader(self.header, lookups)
        self._is_fault_list = set(FAULT_COLUMNS) <= set(self.header)

    @property
    def named_like_fields(self) -> list[str]:
        """The columns that are named like fields, but that the mapping does not read."""
        read = self.mapping.columns
        return [name for name in self.header if name in column_mapping.FIELDS and name not in read]

    def rows(self, left_out: LeftOut | None = None) -> Iterator[SourceRow]:
        """The customers in the order of the file. May be called several times.

        `left_out`: is told which rows are left out, and why.
        """
        self.skipped = 0
        if self.mapping.latest_by:
            yield from self._latest(left_out)
        elif self.mapping.add_up:
            yield from self._added_up(left_out)
        else:
            for row in self._wanted(left_out):
                yield self._read(row)

    def _wanted(self, left_out: LeftOut | None = None) -> Iterator[CsvRow]:
        """The rows that pass the filters."""
        for row in self._all():
            if self._passes(row, left_out):
                yield row

    def _passes(self, row: CsvRow, left_out: LeftOut | None) -> bool:
        why = self._reader.why_left_out(row.cells)
        if why is not None and left_out:
            left_out(RowFault(row.line, self._reader.id_of(row.cells), why), row.cells)
        return why is None

    def _all(self) -> Iterator[CsvRow]:
        rows = islice(csv_rows(self._file, self.shape), 1, None)
        for row in islice(rows, self._limit):
            if self._is_fault_list:
                yield row._replace(cells=[unguarded(cell) for cell in row.cells])
            else:
                yield row

    def _read(self, row: CsvRow) -> SourceRow:
        values, reasons = self._reader.values(row.cells)
        if reasons and row.last_line > row.line:
            ends = f"the row ends in line {row.last_line}"
            reasons[0] += f"; {ends}, because a quoted cell has a line end: is a quote missing?"
        return SourceRow(row.line, (row.cells,), values, reasons)

    # several versions of one id

    def _latest(self, left_out: LeftOut | None) -> Iterator[SourceRow]:
        older, faulty = self._older
        for row in self._all():
            if row.line in older:
                self.skipped += 1
                continue
            if not self._passes(row, left_out):
                continue
            found = self._read(row)
            if row.line in faulty:
                found.reasons.append(f"latest_by: {faulty[row.line]}")
            yield found

    @cached_property
    def _older(self) -> tuple[set[int], dict[int, str]]:
        """The lines of versions that are not the newest, and what cannot be compared, by line."""
        newest: dict[int, tuple[tuple[int, Any], int]] = {}
        older: set[int] = set()
        faulty: dict[int, str] = {}
        for row in self._all():
            key = self._key(row)
            try:
                order = self._reader.order(row.cells)
            except Wrong as error:
                faulty[row.line] = str(error)
                continue
            before = newest.get(key)
            if key and before is not None and before[0] > order:
                older.add(row.line)
                continue
            if key and before is not None:
                older.add(before[1])
            newest[key] = order, row.line
        return older, faulty

    # several lines of one subscription

    def _added_up(self, left_out: LeftOut | None) -> Iterator[SourceRow]:
        lines = self._lines_of_ids
        seen: Counter[int] = Counter()
        waiting: dict[int, list[SourceRow]] = {}
        for row in self._wanted(left_out):
            key = self._key(row)
            count = lines[key] if key else 1
            if count == 1:
                yield self._read(row)
                continue
            waiting.setdefault(key, []).append(self._read(row))
            seen[key] += 1
            if seen[key] == count:
                yield self._together(waiting.pop(key))

    @cached_property
    def _lines_of_ids(self) -> Counter[int]:
        found: Counter[int] = Counter()
        for row in self._wanted():
            found[self._key(row)] += 1
        return found

    def _together(self, lines: list[SourceRow]) -> SourceRow:
        """The lines of one subscription as one customer."""
        first = lines[0]
        values = dict(first.values)
        reasons = [f"line {one.line}: {reason}" for one in lines for reason in one.reasons]
        for one in lines[1:]:
            for name in {**values, **one.values}:
                here, there = one.values.get(name), values.get(name)
                if name in self.mapping.add_up and here is not None and there is not None:
                    values[name] = there + here
                elif there is None:
                    values[name] = here
                elif here not in (None, there):
                    reasons.append(
                        f"line {one.line}: {name}: must be as in line {first.line}, "
                        f"{shown(there)}, not {shown(here)}; "
                        f"only {' and '.join(self.mapping.add_up)} add up"
                    )
        for name in self.mapping.add_up:
            if name in values and name not in LISTS and not is_amount(values[name]):
                reasons.append(f"{name}: the sum is too large")
        self.skipped += len(lines) - 1
        return SourceRow(first.line, tuple(one.rows[0] for one in lines), values, reasons)

    def _key(self, row: CsvRow) -> int:
        """A number for the id of a row. 0 if the row has none."""
        id_ = self._reader.id_of(row.cells)
        return hash_of(id_) if id_ else 0
