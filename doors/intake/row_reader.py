"""A checked mapping, and how it reads the rows of a file.

All values of a mapping are text, as cells are. What a value means beside others (SKUs, dates,
duplicates) is with `doors.intake.customer_rows` and `doors.intake.customer_import`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong
from core.domain.numbers import HoldKind, Wanted
from doors.intake.cell_values import PLAIN, Formats, RowContext
from doors.intake.fields import ALWAYS, FIELDS, FIRST, ONE_OF
from doors.intake.file_shape import Declared


class Lookup(Protocol):
    """Finds rows of a second file, as `doors.intake.lookup_files.FileLookup` does."""

    def find(self, key: str) -> Mapping[str, str]:
        """The cells of the row with a key, by column. Empty if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class FieldSource:
    """Where the value of a field comes from.

    `columns`: the columns whose texts are joined, usually one. Empty if the value is a constant.
    `between`: what stands between joined texts.
    `of`: the second file that has the columns. None: the file itself.
    `values`: a table from text to value, if there is one.
    `otherwise`: a constant, or another source. With a table, it is for a text that the table does
    not have. Without a table, it is for an empty text.
    `has_otherwise`: whether `otherwise` was written. It may be written as empty.
    `minus_days`: how many days before the day in the text the value is. Default: none.
    `formats`: how the values are written.
    """

    columns: tuple[str, ...] = ()
    between: str = " "
    of: str | None = None
    values: Mapping[str, Any] | None = None
    otherwise: Any = None
    has_otherwise: bool = False
    minus_days: int = 0
    formats: Formats = PLAIN

    @property
    def words(self) -> str:
        """The columns, for people."""
        return " and ".join(self.columns) + (f" of {self.of}" if self.of else "")

    def sources(self) -> "Iterator[FieldSource]":
        """This source, and those that it falls back to."""
        yield self
        if isinstance(self.otherwise, FieldSource):
            yield from self.otherwise.sources()


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a row has one of these texts.

    `source`: the columns whose text is looked at.
    `texts`: the texts that count.
    `negated`: whether all other texts count instead.
    `because`: why rows are left out by it, for people. Empty if the mapping does not say it.
    """

    source: FieldSource
    texts: frozenset[str]
    negated: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True)
class LookupFile:
    """A second file, in which a row finds more about itself.

    `file`: its path.
    `key`: its column that has the key of a row.
    `by`: the column of the first file that has the same key.
    `declared`: what the mapping says about how it is written.
    """

    file: Path
    key: str
    by: str
    declared: Declared = field(default_factory=Declared)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping that was checked.

    `fields`: the source of each field that is mapped.
    `declared`: what the mapping says about how the file is written.
    `skip_when`: a row is left out when any of these holds.
    `only_when`: a row is left out unless all of these hold.
    `latest_by`: of several rows with one id, the one with the highest text here counts. None: an
    id may stand in one row only.
    `add_up`: the fields that are added up over the rows of one id, which are one subscription.
    `lookups`: the second files, by name.
    """

    fields: Mapping[str, FieldSource]
    declared: Declared = field(default_factory=Declared)
    skip_when: tuple[Condition, ...] = ()
    only_when: tuple[Condition, ...] = ()
    latest_by: FieldSource | None = None
    add_up: tuple[str, ...] = ()
    lookups: Mapping[str, LookupFile] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        return self.columns_of(None)

    def columns_of(self, file: str | None) -> tuple[str, ...]:
        """The columns that the file must have, or a second file of this name."""
        several = [*self.fields.values(), *(c.source for c in (*self.skip_when, *self.only_when))]
        if self.latest_by:
            several.append(self.latest_by)
        found = [c for one in several for s in one.sources() if s.of == file for c in s.columns]
        keys = [one.by for one in self.lookups.values()] if file is None else []
        return tuple(dict.fromkeys([*found, *keys]))

    def reader(
        self, header: Sequence[str], lookups: Mapping[str, Lookup] | None = None
    ) -> "RowReader":
        """The reader of the rows under this header.

        `lookups`: the rows of the second files, by the names of the mapping.

        Raises `Faults` if columns are missing, or if a column that is read stands twice.
        """
        check_columns("header", header, self.columns)
        places = {column: header.index(column) for column in self.columns}
        return RowReader(self, len(header), places, lookups or {})


def check_columns(place: str, header: Sequence[str], columns: Sequence[str]) -> None:
    """Raise `Faults` if columns are missing from a header, or stand twice in it."""
    faults = [
        Fault(place, f"there is no column {shown(column)}; {_there(column, header)}")
        for column in columns
        if column not in header
    ]
    faults += [
        Fault(place, f"column {shown(column)} stands twice, and the mapping reads it")
        for column in columns
        if header.count(column) > 1
    ]
    if faults:
        raise Faults(faults)


def _there(column: str, header: Sequence[str]) -> str:
    folded = {name.casefold(): name for name in header if name}
    close = get_close_matches(column.casefold(), folded, n=1)
    if close:
        return f"did you mean {shown(folded[close[0]])}?"
    return f"there are {listed([name for name in header if name])}"


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one file.

    `mapping`: where the fields come from.
    `width`: the number of cells of the header.
    `places`: in which cell each column is.
    `lookups`: the rows of second files.
    """

    mapping: ColumnMapping
    width: int
    places: Mapping[str, int]
    lookups: Mapping[str, Lookup]

    def values(self, row: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """The values of a row by field, without empty ones, and what is wrong with the row."""
        if wrong := self._width(row):
            return {}, [wrong]
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        fields = self.mapping.fields
        for name in FIRST:
            if name in fields:
                self._read(name, row, RowContext(), values, faults)
        context = RowContext(values.get("currency"), values.get("timezone"))
        for name in fields:
            if name not in FIRST:
                self._read(name, row, context, values, faults)
        for names in ONE_OF:
            mapped = [name for name in names if name in fields]
            if mapped and not any(name in values or name in faults for name in mapped):
                columns = " and ".join(fields[name].words for name in mapped)
                empty = "is empty" if len(mapped) == 1 else "are empty"
                faults[mapped[0]] = f"missing; column {columns} {empty}"
        if "cycle" in values:
            values["months"] = values["cycle"]
        self._numbers(values, faults)
        return (
            {name: values[name] for name in (*fields, "months") if name in values},
            [f"{name}: {faults[name]}" for name in fields if name in faults],
        )

    def _numbers(self, values: dict[str, Any], faults: dict[str, str]) -> None:
        """The numbers of the row with their SKU and how they came, in place of the three fields."""
        sku, hold = values.pop("number_sku", None), values.pop("hold", HoldKind.NORMAL)
        if "numbers" not in values:
            return
        if sku is None:
            faults["numbers"] = "needs number_sku, a SKU of numbers in the catalogue"
        else:
            values["numbers"] = tuple(
                Wanted(number=number, sku=sku, hold=hold) for number in values["numbers"]
            )

    def why_left_out(self, row: Sequence[str]) -> str | None:
        """Why the filters of the mapping leave a row out. None if they let it pass.

        A row of another width passes.
        """
        mapping = self.mapping
        if not (mapping.skip_when or mapping.only_when) or self._width(row):
            return None
        stops = next((one for one in mapping.skip_when if self._holds(one, row)), None)
        if stops is None:
            stops = next((one for one in mapping.only_when if not self._holds(one, row)), None)
        if stops is None:
            return None
        text = self._text(stops.source, row)
        found = f"{stops.source.words} is {shown(text) if text else 'empty'}"
        return f"{found}: {stops.because}" if stops.because else found

    def order(self, row: Sequence[str]) -> tuple[int, Any]:
        """What `latest_by` compares. Numbers and dates are compared as such, others as text.

        Raises `Wrong` for a date that cannot be read.
        """
        source = self.mapping.latest_by
        if source is None or self._width(row):
            return 0, ""
        return source.formats.dates.order(self._text(source, row))

    def id_of(self, row: Sequence[str]) -> str:
        """The text of the id. Empty if there is none."""
        return "" if self._width(row) else self._text(self.mapping.fields["id"], row)

    def _width(self, row: Sequence[str]) -> str | None:
        """What is wrong with the number of cells. Empty cells beyond the header do not count."""
        if len(row) == self.width or (len(row) > self.width and not any(row[self.width :])):
            return None
        return f"has {len(row)} cells, but the header has {self.width}"

    def _holds(self, condition: Condition, row: Sequence[str]) -> bool:
        return (self._text(condition.source, row) in condition.texts) is not condition.negated

    def _read(
        self,
        name: str,
        row: Sequence[str],
        context: RowContext,
        values: dict[str, Any],
        faults: dict[str, str],
    ) -> None:
        source = self.mapping.fields[name]
        try:
            value = self._value(name, source, row, context)
        except Wrong as error:
            faults[name] = str(error)
            return
        if value is not None:
            values[name] = value
        elif name in ALWAYS:
            faults[name] = f"missing; column {source.words} is empty"

    def _value(
        self, name: str, source: FieldSource, row: Sequence[str], context: RowContext
    ) -> Any:
        text = self._text(source, row) if source.columns else ""
        if source.values is not None and text in source.values:
            return source.values[text]
        if source.values is not None and not source.has_otherwise:
            reason = f"is not in the table of column {source.words}"
            raise Wrong(f"{shown(text)} {reason}; it has {listed(source.values)}")
        if text and source.values is None:
            value = FIELDS[name](text, source.formats, context)
            return value - timedelta(days=source.minus_days) if source.minus_days else value
        if isinstance(source.otherwise, FieldSource):
            return self._value(name, source.otherwise, row, context)
        return source.otherwise

    def _text(self, source: FieldSource, row: Sequence[str]) -> str:
        if source.of is None:
            cells = [row[self.places[column]].strip() for column in source.columns]
        else:
            key = row[self.places[self.mapping.lookups[source.of].by]].strip()
            found = self.lookups[source.of].find(key)
            cells = [found.get(column, "") for column in source.columns]
        return cells[0] if len(cells) == 1 else source.between.join(filter(None, cells))


def listed(names: Mapping[str, Any] | Sequence[str]) -> str:
    """Names in quotes, at most thirty of them."""
    several = list(names)
    return ", ".join(map(shown, several[:30])) + (" …" if len(several) > 30 else "")
