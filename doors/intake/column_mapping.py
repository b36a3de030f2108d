"""How the columns of a CSV file become customers (docs/import.md).

Owns the fields of a customer, the mapping from columns to fields, and the reading of a row by it.
All values of a mapping are text, as cells are. So constants, values of a table and cells are read
in the same way. What a value means beside others (SKUs, dates, duplicates) is with
`doors.intake.customer_import`.

Worked example: ``months: {column: Contract, values: {One year: 12}}`` reads the cell ``One year``
as 12. Any other cell is a fault.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date
from pathlib import Path
from typing import Any

import yaml

from core.domain.catalog import LONGEST_NAME, MOST_MONTHS
from core.domain.fault_places import at, shown, unknown_key
from core.domain.faults import Fault, Faults
from core.domain.inputs import (
    LONGEST_ID,
    Wrong,
    read_amount,
    read_at,
    read_currency,
    read_day,
    read_email,
    read_flag_text,
    read_id,
    read_text,
    read_utf8,
    read_whole_text,
    read_zone,
)

LARGEST = 100_000
"""Bytes in a mapping."""
MOST_TENURE = 1_200
MOST_CREDIT_CYCLES = 120
MOST_LICENCES = 1_000_000
DELIMITERS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
FIRST_YEAR = 1900

CellReader = Callable[[object], Any]
"""A reader of `core.domain.inputs` for the text of a cell."""


def _name(text: object) -> str:
    return read_id(text, LONGEST_NAME)


def _whole(least: int, most: int) -> CellReader:
    return lambda text: read_whole_text(text, least, most)


def _anchor(text: object) -> date:
    return read_day(text, (FIRST_YEAR, MAXYEAR))


FIELDS: Mapping[str, CellReader] = {
    "id": read_id,
    "account": read_id,
    "currency": read_currency,
    "timezone": read_zone,
    "owner": lambda text: read_text(text, LONGEST_ID),
    "billing_email": read_email,
    "card": read_id,
    "renew_by_card": read_flag_text,
    "credits": read_amount,
    "credit_cycles": _whole(0, MOST_CREDIT_CYCLES),
    "sku": _name,
    "application": _name,
    "months": _whole(1, MOST_MONTHS),
    "price": read_amount,
    "monthly_price": read_amount,
    "quantity": _whole(1, MOST_LICENCES),
    "legacy": read_flag_text,
    "anchor": _anchor,
    "tenure_months": _whole(0, MOST_TENURE),
    "auto_renew": read_flag_text,
}
"""The fields of a customer, each with the reader of its text. The table of docs/import.md."""
_ALWAYS = ("id", "currency", "timezone")
_ONE_OF = (("anchor", "tenure_months"),)
_AT_MOST_ONE_OF = (("price", "monthly_price"), ("credits", "credit_cycles"), *_ONE_OF)


@dataclass(frozen=True, slots=True)
class FieldSource:
    """Where the value of a field comes from.

    `column`: the name of a column. None if the value is a constant.
    `values`: a table from cell to value, if there is one.
    `otherwise`: the constant. With a table, the value of a cell that the table does not have.
    Without a table, the value of an empty cell.
    `has_otherwise`: whether `otherwise` was written. It may be written as empty.
    """

    column: str | None = None
    values: Mapping[str, Any] | None = None
    otherwise: Any = None
    has_otherwise: bool = False

    def read(self, cell: str, read_cell: CellReader) -> Any:
        """The value of a cell, or None if it is empty. Raises `Wrong`."""
        if self.values is not None:
            if cell in self.values:
                return self.values[cell]
            if self.has_otherwise:
                return self.otherwise
            raise Wrong(
                f"{shown(cell)} is not in the table of column {self.column}; "
                f"it has {_listed(self.values)}"
            )
        return read_cell(cell) if cell else self.otherwise


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping that was checked.

    `fields`: the source of each field that is mapped.
    `delimiter`: what separates the columns of the file.
    """

    fields: Mapping[str, FieldSource]
    delimiter: str = ","

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        return tuple(
            dict.fromkeys(
                source.column for source in self.fields.values() if source.column is not None
            )
        )

    def reader(self, header: Sequence[str]) -> "RowReader":
        """The reader of the rows under this header.

        Raises `Faults` if columns are missing or if a column stands twice.
        """
        faults = [
            Fault("header", f"there is no column {shown(column)}; there are {_listed(header)}")
            for column in self.columns
            if column not in header
        ]
        twice = dict.fromkeys(column for column in header if header.count(column) > 1)
        faults += [Fault("header", f"column {shown(column)} stands twice") for column in twice]
        if faults:
            raise Faults(faults)
        cells = {
            name: header.index(source.column)
            for name, source in self.fields.items()
            if source.column is not None
        }
        return RowReader(self, len(header), cells)


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one file.

    `mapping`: where the fields come from.
    `width`: the number of cells of the header.
    `cells`: in which cell each field is, by the name of the field.
    """

    mapping: ColumnMapping
    width: int
    cells: Mapping[str, int]

    def values(self, row: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """The values of a row by field, without empty ones, and what is wrong with the row."""
        if len(row) != self.width:
            return {}, [f"has {len(row)} cells, but the header has {self.width}"]
        values: dict[str, Any] = {}
        faults = []
        for name, source in self.mapping.fields.items():
            try:
                value = self._value(name, source, row)
            except Wrong as error:
                faults.append(f"{name}: {error}")
                continue
            if value is not None:
                values[name] = value
            elif name in _ALWAYS or any(name in names for names in _ONE_OF):
                faults.append(f"{name}: missing; column {source.column} is empty")
        return values, faults

    def _value(self, name: str, source: FieldSource, row: Sequence[str]) -> Any:
        if source.column is None:
            return source.otherwise
        return source.read(row[self.cells[name]].strip(), FIELDS[name])


def read(file: Path) -> ColumnMapping:
    """Read a mapping from a YAML file. Raises `Faults`, and OSError if it cannot be opened."""
    with file.open("rb") as opened:
        return parse(opened.read(LARGEST + 1))


def parse(text: str | bytes) -> ColumnMapping:
    """Read a mapping from a YAML text. Raises `Faults` with every fault that can be found."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        document = yaml.load(read_utf8(raw, LARGEST), Loader=_TextLoader)  # noqa: S506 (only text)
        return load(document)
    except Wrong as error:
        raise Faults([Fault("file", str(error))]) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "file"
        raise _not_yaml(line, error.problem or error.context) from None
    except yaml.YAMLError as error:
        raise _not_yaml("file", error) from None
    except RecursionError:
        raise _not_yaml("file", "nested too deep") from None


def _not_yaml(place: str, reason: object) -> Faults:
    return Faults([Fault(place, f"is not YAML: {' '.join(str(reason).split())[:200]}")])


def load(document: object) -> ColumnMapping:
    """Check a mapping that was read from YAML with all values as text.

    Raises `Faults` with every fault.
    """
    if not isinstance(document, Mapping):
        raise Faults([Fault("mapping", f"{shown(document)} is not a mapping with fields")])
    faults = [
        unknown_key("mapping", key, ("fields", "delimiter"))
        for key in document
        if key not in ("fields", "delimiter")
    ]
    delimiter = document.get("delimiter", ",")
    if not isinstance(delimiter, str) or delimiter not in DELIMITERS:
        faults.append(
            Fault(
                "mapping.delimiter",
                f"{shown(delimiter)} is not allowed; allowed are {_listed(DELIMITERS)}",
            )
        )
    written = document.get("fields")
    if not isinstance(written, Mapping):
        raise Faults(
            [*faults, Fault("mapping.fields", "missing; it says where each field comes from")]
        )
    fields = {
        name: source
        for name, value in written.items()
        if (source := _source(name, value, faults)) is not None
    }
    faults += _incomplete(written, "mapping.fields")
    if faults:
        raise Faults(faults)
    return ColumnMapping(fields, DELIMITERS[delimiter])


def by_field_names(header: Sequence[str]) -> ColumnMapping:
    """The mapping of a file whose columns are named like the fields.

    Raises `Faults` for other columns and for missing ones.
    """
    faults = [
        unknown_key("header", column, tuple(FIELDS)) for column in header if column not in FIELDS
    ]
    faults += _incomplete(dict.fromkeys(header), "header")
    if faults:
        raise Faults(faults)
    return ColumnMapping({column: FieldSource(column) for column in header})


class _TextLoader(yaml.BaseLoader):
    """Loads every scalar as text and ignores tags. A key that stands twice is a fault."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        values = super().construct_mapping(node, deep=True)
        if len(values) < len(node.value):
            seen: set[Any] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{shown(key.value)} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return values


def _source(name: object, written: object, faults: list[Fault]) -> FieldSource | None:
    """Where a field comes from. What is wrong joins `faults`."""
    place = at("mapping.fields", name)
    if not isinstance(name, str) or name not in FIELDS:
        faults.append(unknown_key("mapping.fields", name, tuple(FIELDS)))
        return None
    before = len(faults)
    if isinstance(written, str):
        source = _constant(name, written, place, faults)
    elif isinstance(written, Mapping):
        source = _column(name, written, place, faults)
    else:
        reason = "is neither a constant nor a mapping with column, values, otherwise"
        faults.append(Fault(place, f"{shown(written)} {reason}"))
        return None
    return source if len(faults) == before else None


def _constant(name: str, written: str, place: str, faults: list[Fault]) -> FieldSource:
    """A value that is the same for all rows."""
    if name == "id":
        faults.append(Fault(place, "is the same for all; it comes from a column"))
    elif not written:
        faults.append(Fault(place, "is empty"))
    return FieldSource(otherwise=_value(name, written, place, faults), has_otherwise=True)


def _column(name: str, written: Mapping[Any, Any], place: str, faults: list[Fault]) -> FieldSource:
    """A value that comes from a column, perhaps by a table."""
    known = ("column", "values", "otherwise")
    faults.extend(unknown_key(place, key, known) for key in written if key not in known)
    column = written.get("column")
    if not isinstance(column, str) or not column:
        faults.append(Fault(f"{place}.column", "missing; it names a column of the file"))
    table = _table(name, written["values"], place, faults) if "values" in written else None
    otherwise = _value(name, written.get("otherwise", ""), f"{place}.otherwise", faults)
    return FieldSource(column, table, otherwise, "otherwise" in written)


def _table(name: str, written: object, place: str, faults: list[Fault]) -> Mapping[str, Any] | None:
    """A table from cell to value."""
    if not isinstance(written, Mapping) or not written:
        reason = f"{shown(written)} is not a table from cell to value"
        faults.append(Fault(f"{place}.values", reason))
        return None
    return {
        cell: _value(name, text, at(f"{place}.values", cell), faults)
        for cell, text in written.items()
    }


def _value(name: str, text: object, place: str, faults: list[Fault]) -> Any:
    """A constant of a mapping as a value of the field. None if it is empty or wrong."""
    if not isinstance(text, str):
        faults.append(Fault(place, f"{shown(text)} is not a value"))
        return None
    return read_at(place, text.strip(), FIELDS[name], faults) if text.strip() else None


def _incomplete(fields: Mapping[Any, Any], place: str) -> list[Fault]:
    """The faults of fields that are missing and of fields that exclude one another."""
    faults = [Fault(f"{place}.{name}", "missing") for name in _ALWAYS if name not in fields]
    faults += [
        Fault(place, f"{' or '.join(names)} is missing")
        for names in _ONE_OF
        if not any(name in fields for name in names)
    ]
    faults += [
        Fault(place, f"{' and '.join(names)} exclude one another")
        for names in _AT_MOST_ONE_OF
        if all(name in fields for name in names)
    ]
    if "sku" in fields:
        return faults
    known = "is missing; only with a sku of the catalogue it is known"
    if "price" not in fields and "monthly_price" not in fields:
        faults.append(Fault(place, f"price or monthly_price {known}"))
    if "months" not in fields:
        faults.append(Fault(f"{place}.months", known.removeprefix("is ")))
    return faults


def _listed(names: Mapping[str, Any] | Sequence[str]) -> str:
    several = list(names)
    return ", ".join(map(shown, several[:30])) + (" …" if len(several) > 30 else "")
