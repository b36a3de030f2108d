"""Second files, in which the rows of an import find more about themselves.

The cells that a mapping reads are kept in a temporary file, and in memory only two numbers for each
row. So a second file may be as long as the first one.
"""

import json
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from itertools import islice, pairwise

from core.domain.faults import Fault, Faults
from doors.intake.csv_rows import csv_rows, header_of
from doors.intake.file_shape import shape_of
from doors.intake.row_keys import hash_of
from doors.intake.row_reader import ColumnMapping, LookupFile, check_columns


def read_lookups(mapping: ColumnMapping) -> "dict[str, FileLookup]":
    """The second files of a mapping, by name.

    Raises `Faults` if one is wrong, and OSError if it cannot be read.
    """
    return {
        name: FileLookup(name, one, mapping.columns_of(name))
        for name, one in mapping.lookups.items()
    }


class FileLookup:
    """The rows of a second file, found by their key."""

    def __init__(self, name: str, lookup: LookupFile, columns: tuple[str, ...]) -> None:
        """Read the file. `name`: for messages. `columns`: those that the mapping reads."""
        place = f"mapping.lookups.{name}"
        shape = shape_of(lookup.file, lookup.declared, (lookup.key, *columns))
        header = header_of(lookup.file, shape)
        check_columns(f"{place}: header", header, tuple(dict.fromkeys((lookup.key, *columns))))
        at = {column: header.index(column) for column in columns}
        key_at, most = header.index(lookup.key), max(at.values(), default=0)
        self._columns = columns
        self._cells = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        found: list[tuple[int, int, int]] = []
        for row in islice(csv_rows(lookup.file, shape), 1, None):
            if len(row.cells) <= max(key_at, most):
                reason = f"has {len(row.cells)} cells, but the header has {len(header)}"
                raise Faults([Fault(f"{place}: line {row.line}", reason)])
            key = row.cells[key_at].strip()
            if key:
                found.append((hash_of(key), self._cells.tell(), row.line))
                cells = [row.cells[at[column]].strip() for column in columns]
                self._cells.write(json.dumps(cells).encode() + b"\n")
        found.sort()
        for one, other in pairwise(found):
            if one[0] == other[0]:
                reason = f"has the same {lookup.key} as line {one[2]}; a key stands in one row"
                raise Faults([Fault(f"{place}: line {other[2]}", reason)])
        self._keys = array("Q", (one[0] for one in found))
        self._places = array("Q", (one[1] for one in found))

    def find(self, key: str) -> Mapping[str, str]:
        """The cells of the row with a key, by column. Empty if there is none."""
        hashed = hash_of(key)
        index = bisect_left(self._keys, hashed)
        if not key or index == len(self._keys) or self._keys[index] != hashed:
            return {}
        self._cells.seek(self._places[index])
        return dict(zip(self._columns, json.loads(self._cells.readline()), strict=True))
