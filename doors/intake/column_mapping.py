"""How the columns of a file become customers (docs/import.md): the mapping, its faults, and what a row's cells say by it.

Owns the fields of an import and the text that each may hold. Every value of a mapping is text, as a cell is: a constant, the values of a
table and the cells are all read in one way. What a value means beside others (SKUs, dates, duplicates) is the importer's.

Worked example: ``months: {column: Contract, values: {One year: 12}}`` reads the cell ``One year`` as 12; any other cell is a fault.
"""

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Mappings
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from core.domain import calendar, money
from core.domain.catalog import LONGEST_NAME, MOST_MONTHS
from core.domain.faults import Fault, Faults
from core.domain.places import at, shown, unknown_key

LARGEST = 100_000
"""Bytes in a mapping."""
MOST_TENURE = 1_200
MOST_CREDIT_CYCLES = 120
MOST_LICENCES = 1_000_000
DELIMITERS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
FIRST_YEAR = 1900

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_WORDS = {
    word: value
    for value, words in ((True, "yes true on 1"), (False, "no false off 0"))
    for word in words.split()
}


def _text(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > longest:
            raise ValueError(
                f"{shown(text)} has {len(text)} characters; at most {longest} are allowed"
            )
        if not text.isprintable():
            raise ValueError(f"{shown(text)} has characters that cannot be printed")
        return text

    return parse


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"{shown(text)} is not a whole number from {least} to {most}")
        return int(text)

    return parse


def _currency(text: str) -> str:
    money.minor_units(text)
    return text


def _zone(text: str) -> str:
    calendar.zone(text)
    return text


def _amount(text: str) -> Decimal:
    amount = money.parse_amount(text)
    if amount < 0:
        raise ValueError(f"{text} is negative; allowed are zero and more")
    return amount


def _flag(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError(f"{shown(text)} is not yes or no")
    return _WORDS[text.lower()]


def _date(text: str) -> date:
    try:
        if _ISO_DATE.fullmatch(text) and int(text[:4]) >= FIRST_YEAR:
            return date.fromisoformat(text)
    except ValueError:
        pass  # 2021-02-30: of the right shape, but no day
    raise ValueError(
        f"{shown(text)} is not a date such as 2021-03-01, of the year {FIRST_YEAR} or later"
    )


def _email(text: str) -> str:
    if len(text) > 320 or not _EMAIL.fullmatch(text) or not text.isprintable():
        raise ValueError(f"{shown(text)} is not an e-mail address")
    return text


#: The fields of a customer, and how the text of each is read. The table of docs/import.md.
FIELDS: dict[str, Callable[[str], Any]] = {
    "id": _text(200),
    "account": _text(200),
    "currency": _currency,
    "timezone": _zone,
    "owner": _text(200),
    "billing_email": _email,
    "card": _text(200),
    "renew_by_card": _flag,
    "credits": _amount,
    "credit_cycles": _whole(0, MOST_CREDIT_CYCLES),
    "sku": _text(LONGEST_NAME),
    "application": _text(LONGEST_NAME),
    "months": _whole(1, MOST_MONTHS),
    "price": _amount,
    "monthly_price": _amount,
    "quantity": _whole(1, MOST_LICENCES),
    "legacy": _flag,
    "anchor": _date,
    "tenure_months": _whole(0, MOST_TENURE),
    "auto_renew": _flag,
}
_ALWAYS = ("id", "currency", "timezone")
_ONE_OF = (("anchor", "tenure_months"),)
_AT_MOST_ONE_OF = (("price", "monthly_price"), ("credits", "credit_cycles"), *_ONE_OF)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value comes from: a column, or else a constant (`otherwise`). `values` is a table from cell to value; a cell that it does not have, or
    without a table an empty cell, is `otherwise`, if there is one."""

    column: str | None = None
    values: Mappings[str, Any] | None = None
    otherwise: Any = None
    has_otherwise: bool = False

    def read(self, cell: str, parse: Callable[[str], Any]) -> Any:
        """The value of a cell, None when it is empty. Raises ValueError with what is wrong."""
        if self.values is not None:
            if cell in self.values:
                return self.values[cell]
            if self.has_otherwise:
                return self.otherwise
            raise ValueError(
                f"{shown(cell)} is not in the table of column {self.column}; it has {_listed(self.values)}"
            )
        return parse(cell) if cell else self.otherwise


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping: each field's source, and what separates the columns of the file."""

    fields: Mappings[str, Source]
    delimiter: str = ","

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        return tuple(
            dict.fromkeys(
                source.column for source in self.fields.values() if source.column is not None
            )
        )

    def reader(self, header: Sequence[str]) -> "Reader":
        """Reads rows under this header. Raises `Faults` when columns are missing or stand twice."""
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
        return Reader(self, len(header), cells)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the rows of one file; `cells` says in which cell each field is."""

    mapping: Mapping
    width: int
    cells: Mappings[str, int]

    def values(self, row: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """The values of a row by field, empty ones left out, and what is wrong with it."""
        if len(row) != self.width:
            return {}, [f"has {len(row)} cells, but the header has {self.width}"]
        values: dict[str, Any] = {}
        faults = []
        for name, source in self.mapping.fields.items():
            try:
                cell = "" if source.column is None else row[self.cells[name]].strip()
                value = (
                    source.otherwise if source.column is None else source.read(cell, FIELDS[name])
                )
            except ValueError as error:
                faults.append(f"{name}: {error}")
                continue
            if value is not None:
                values[name] = value
            elif name in _ALWAYS or any(name in names for names in _ONE_OF):
                faults.append(f"{name}: missing; column {source.column} is empty")
        return values, faults


def read(file: Path) -> Mapping:
    """Read a mapping from a YAML file. Raises `Faults`, all at once where that is possible, and OSError."""
    with file.open("rb") as opened:
        return parse(opened.read(LARGEST + 1))


def parse(text: str | bytes) -> Mapping:
    """Read a mapping from a YAML text. Raises `Faults`."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > LARGEST:
        raise Faults(
            [Fault("file", f"is too large for a mapping; at most {LARGEST} bytes are allowed")]
        )
    try:
        return load(yaml.load(raw.decode("utf-8-sig"), Loader=_Texts))
    except UnicodeError:
        raise Faults([Fault("file", "is not UTF-8 text")]) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "file"
        raise Faults(
            [
                Fault(
                    line,
                    f"is not YAML: {' '.join(str(error.problem or error.context).split())[:200]}",
                )
            ]
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = (
            "nested too deep"
            if isinstance(error, RecursionError)
            else " ".join(str(error).split())[:200]
        )
        raise Faults([Fault("file", f"is not YAML: {reason}")]) from None


def load(document: object) -> Mapping:
    """Check a mapping as read from YAML, all values text. Raises `Faults` with every fault."""
    if not isinstance(document, Mappings):
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
    if not isinstance(written, Mappings):
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
    return Mapping(fields, DELIMITERS[delimiter])


def plain(header: Sequence[str]) -> Mapping:
    """The mapping of a file whose columns are named like our fields. Raises `Faults` for other columns and for missing ones."""
    faults = [
        unknown_key("header", column, tuple(FIELDS)) for column in header if column not in FIELDS
    ]
    faults += _incomplete(dict.fromkeys(header), "header")
    if faults:
        raise Faults(faults)
    return Mapping({column: Source(column) for column in header})


class _Texts(yaml.BaseLoader):
    """Every scalar is text, whatever it looks like; tags mean nothing; a key that stands twice is a fault."""

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


def _source(name: object, written: object, faults: list[Fault]) -> Source | None:
    """Where a field comes from; what is wrong with it is added to `faults`."""
    place = at("mapping.fields", name)
    if not isinstance(name, str) or name not in FIELDS:
        faults.append(unknown_key("mapping.fields", name, tuple(FIELDS)))
        return None
    before = len(faults)
    if isinstance(written, str):
        source = Source(otherwise=_value(name, written, place, faults), has_otherwise=True)
        if name == "id" or not written:
            faults.append(
                Fault(
                    place,
                    "is the same for all; it comes from a column" if name == "id" else "is empty",
                )
            )
        return source if len(faults) == before else None
    if not isinstance(written, Mappings):
        faults.append(
            Fault(
                place,
                f"{shown(written)} is neither a constant nor a mapping with column, values, otherwise",
            )
        )
        return None
    known = ("column", "values", "otherwise")
    faults.extend(unknown_key(place, key, known) for key in written if key not in known)
    column, table, otherwise = (
        written.get("column"),
        written.get("values"),
        written.get("otherwise", ""),
    )
    if not isinstance(column, str) or not column:
        faults.append(Fault(f"{place}.column", "missing; it names a column of the file"))
    if "values" in written and (not isinstance(table, Mappings) or not table):
        faults.append(Fault(f"{place}.values", f"{shown(table)} is not a table from cell to value"))
        table = None
    values = (
        None
        if table is None
        else {
            cell: _value(name, text, at(f"{place}.values", cell), faults)
            for cell, text in table.items()
        }
    )
    source = Source(
        column,
        values,
        _value(name, otherwise, f"{place}.otherwise", faults),
        "otherwise" in written,
    )
    return source if len(faults) == before else None


def _value(name: str, text: object, place: str, faults: list[Fault]) -> Any:
    """A constant of a mapping as a value of the field; None when it is empty, or a fault."""
    if not isinstance(text, str):
        faults.append(Fault(place, f"{shown(text)} is not a value"))
        return None
    try:
        return FIELDS[name](text.strip()) if text.strip() else None
    except ValueError as error:
        faults.append(Fault(place, str(error)))
        return None


def _incomplete(fields: Mappings[Any, Any], place: str) -> list[Fault]:
    """What is missing among fields, and which exclude one another."""
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
    if "sku" not in fields:
        if "price" not in fields and "monthly_price" not in fields:
            faults.append(
                Fault(
                    place,
                    "price or monthly_price is missing; only with a sku of the catalogue it is known",
                )
            )
        if "months" not in fields:
            faults.append(
                Fault(f"{place}.months", "missing; only with a sku of the catalogue it is known")
            )
    return faults


def _listed(names: Mappings[str, Any] | Sequence[str]) -> str:
    several = list(names)
    return ", ".join(map(shown, several[:30])) + (" …" if len(several) > 30 else "")
