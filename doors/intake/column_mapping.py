"""Mappings, read from YAML: how the columns of a file become customers (docs/import.md).

All values of a mapping are text, as cells are. So constants, values of a table and cells are read
in the same way. A mapping is read strictly. All its faults are shown together with their places.

Worked example: ``months: {column: Contract, values: {One year: 12}}`` reads the cell ``One year``
as 12. Any other cell is a fault.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from core.domain.fault_places import at, shown, unknown_key
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong, either, read_utf8, read_whole_text, wrong
from doors.intake import cell_values
from doors.intake.amount_formats import read_amount_format
from doors.intake.cell_values import NO, PLAIN, YES, Formats, RowContext
from doors.intake.date_formats import read_formats, read_zone_of_times
from doors.intake.fields import ADD_UP, ALWAYS, AT_MOST_ONE_OF, FIELDS, ONE_OF
from doors.intake.file_shape import DELIMITERS, ENCODINGS, QUOTES, Declared
from doors.intake.import_report import FAULT_COLUMNS
from doors.intake.row_reader import ColumnMapping, Condition, FieldSource, LookupFile, listed

__all__ = ["FIELDS", "ColumnMapping", "FieldSource", "by_field_names", "load", "parse", "read"]

LARGEST = 100_000
"""Bytes in a mapping."""
MOST_FALLBACKS = 5
MOST_JOINED = 10
MOST_WORDS = 100
MOST_DAYS = 366
LONGEST_WORD = 200

_FILE = ("encoding", "delimiter", "quote")
_FORMATS = ("date", "zone", "amount", "yes", "no")
_SHAPING = ("skip_when", "only_when", "latest_by", "add_up", "lookups")
_TOP = ("fields", *_FILE, *_FORMATS, *_SHAPING)
_TEXT = ("column", "join", "with", "of")
_SOURCE = (*_TEXT, "values", "otherwise", "minus days", *_FORMATS)

T = TypeVar("T")


def read(file: Path, constants: Mapping[str, str] | None = None) -> ColumnMapping:
    """Read a mapping from a YAML file. Raises `Faults`, and OSError if it cannot be opened.

    `constants`: fields that have this text in every row, whatever the mapping says.

    The paths of second files are taken from the folder of the mapping.
    """
    with file.open("rb") as opened:
        return parse(opened.read(LARGEST + 1), file.parent, constants)


def parse(
    text: str | bytes, folder: Path = Path(), constants: Mapping[str, str] | None = None
) -> ColumnMapping:
    """Read a mapping from a YAML text. Raises `Faults` with every fault that can be found."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        plain = read_utf8(raw, LARGEST)
        document = yaml.load(plain, Loader=_TextLoader)  # noqa: S506 # nosec B506 # only text
        if constants and isinstance(document, dict) and isinstance(document.get("fields"), dict):
            document["fields"].update(constants)
        return load(document, folder)
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


def load(document: object, folder: Path = Path()) -> ColumnMapping:
    """Check a mapping that was read from YAML with all values as text.

    `folder`: where the paths of second files begin.

    Raises `Faults` with every fault.
    """
    if not isinstance(document, Mapping):
        raise Faults([Fault("mapping", f"{shown(document)} is not a mapping with fields")])
    found = _Document(document)
    mapping = found.mapping(folder)
    if found.faults:
        raise Faults(found.faults)
    return mapping


def by_field_names(header: Sequence[str]) -> ColumnMapping:
    """The mapping of a file whose columns are named like the fields.

    Columns without a name are not read, nor those that a list of faulty rows has more.

    Raises `Faults` for other columns and for missing ones.
    """
    columns = [column for column in header if column and column not in FAULT_COLUMNS]
    faults = [
        unknown_key("header", column, tuple(FIELDS)) for column in columns if column not in FIELDS
    ]
    faults += _incomplete(dict.fromkeys(columns), "header")
    if faults:
        raise Faults(faults)
    return ColumnMapping({column: FieldSource((column,)) for column in columns})


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


class _Document:
    """A mapping that is being checked. What is wrong with it joins `faults`."""

    def __init__(self, written: Mapping[Any, Any]) -> None:
        self._written = written
        self._lookups: Mapping[str, LookupFile] = {}
        self.faults: list[Fault] = []

    def mapping(self, folder: Path) -> ColumnMapping:
        """The mapping, as far as it is right."""
        written, place = self._written, "mapping"
        self._unknown(place, written, _TOP)
        declared = Declared(
            *(
                self._choice(place, written, word, allowed)
                for word, allowed in zip(_FILE, (ENCODINGS, DELIMITERS, QUOTES), strict=True)
            )
        )
        formats = self._formats(place, written, PLAIN)
        self._lookups = self._lookup_files(written.get("lookups", {}), folder)
        sources = written.get("fields")
        if not isinstance(sources, Mapping):
            self._add("mapping.fields", "missing; it says where each field comes from")
            sources, fields = {}, {}
        else:
            fields = {
                name: source
                for name, value in sources.items()
                if (source := self._field(name, value, formats)) is not None
            }
            self.faults += _incomplete(sources, "mapping.fields")
        latest = None
        if "latest_by" in written:
            latest = self._text_source(written["latest_by"], "mapping.latest_by", formats)
        add_up = tuple(self._words("mapping.add_up", written.get("add_up", [])))
        for name in add_up:
            if name not in ADD_UP:
                allowed = f"allowed are {', '.join(ADD_UP)}"
                self._add("mapping.add_up", f"{shown(name)} is not allowed; {allowed}")
        if latest and add_up:
            self._add("mapping", "latest_by and add_up exclude one another")
        return ColumnMapping(
            fields=fields,
            declared=declared,
            skip_when=self._conditions("skip_when", formats),
            only_when=self._conditions("only_when", formats),
            latest_by=latest,
            add_up=add_up,
            lookups=self._lookups,
        )

    # one field

    def _field(self, name: object, written: object, formats: Formats) -> FieldSource | None:
        place = at("mapping.fields", name)
        if not isinstance(name, str) or name not in FIELDS:
            self.faults.append(unknown_key("mapping.fields", name, tuple(FIELDS)))
            return None
        if name == "id" and isinstance(written, str):
            self._add(place, "is the same for all; it comes from a column")
        elif written == "":
            self._add(place, "is empty")
        before = len(self.faults)
        source = self._source(name, written, place, formats, MOST_FALLBACKS)
        return source if len(self.faults) == before else None

    def _source(
        self, name: str, written: object, place: str, formats: Formats, deep: int
    ) -> FieldSource | None:
        """Where a value comes from: a constant, or columns."""
        if isinstance(written, str):
            return FieldSource(otherwise=self._value(name, written, place), has_otherwise=True)
        if not isinstance(written, Mapping):
            self._add(
                place,
                f"{shown(written)} is neither a constant nor a mapping with column, "
                "values, otherwise",
            )
            return None
        self._unknown(place, written, _SOURCE)
        source = self._columns(written, place)
        return replace(
            source,
            values=self._table(name, written, place) if "values" in written else None,
            otherwise=self._otherwise(name, written, place, formats, deep),
            has_otherwise="otherwise" in written,
            minus_days=self._minus_days(name, written, place),
            formats=self._formats(place, written, formats),
        )

    def _minus_days(self, name: str, written: Mapping[Any, Any], place: str) -> int:
        """How many days a day lies before the one in the column."""
        if "minus days" not in written:
            return 0
        place = f"{place}.minus days"
        if FIELDS[name] is not cell_values.day:
            self._add(place, f"{name} is no day, so no days can be taken away")
        if "values" in written:
            self._add(place, "does not go together with values; write it into the otherwise source")
        days = written["minus days"]
        return self._at(place, lambda: read_whole_text(days, 1, MOST_DAYS)) or 0

    def _otherwise(
        self, name: str, written: Mapping[Any, Any], place: str, formats: Formats, deep: int
    ) -> Any:
        place, value = f"{place}.otherwise", written.get("otherwise", "")
        if not isinstance(value, Mapping):
            return self._value(name, value, place)
        if not deep:
            self._add(place, f"is nested too deep; at most {MOST_FALLBACKS} are allowed")
            return None
        return self._source(name, value, place, formats, deep - 1)

    def _columns(self, written: Mapping[Any, Any], place: str) -> FieldSource:
        """The columns of a source: one, or several that are joined."""
        if "column" in written and "join" in written:
            self._add(place, "column and join exclude one another")
        if "join" in written:
            columns = self._words(f"{place}.join", written["join"])
            if not 2 <= len(columns) <= MOST_JOINED:
                self._add(f"{place}.join", f"names 2 to {MOST_JOINED} columns of the file")
        else:
            column = written.get("column")
            if not isinstance(column, str) or not column:
                self._add(f"{place}.column", "missing; it names a column of the file")
            columns = [column] if isinstance(column, str) else []
        between = written.get("with", " ")
        if not isinstance(between, str) or len(between) > LONGEST_WORD:
            self._add(f"{place}.with", f"{shown(between)} is not a text that may stand between")
            between = " "
        elif "with" in written and "join" not in written:
            self._add(f"{place}.with", "stands between columns; join is missing")
        of = written.get("of")
        if of is not None and of not in self._lookups:
            known = f"there are {listed(self._lookups)}" if self._lookups else "there are none"
            self._add(f"{place}.of", f"{shown(of)} is not among the lookups; {known}")
            of = None
        return FieldSource(tuple(columns), between, of)

    def _table(self, name: str, written: Mapping[Any, Any], place: str) -> Mapping[str, Any] | None:
        """A table from text to value."""
        place, table = f"{place}.values", written["values"]
        if not isinstance(table, Mapping) or not table:
            self._add(place, f"{shown(table)} is not a table from cell to value")
            return None
        return {cell: self._value(name, text, at(place, cell)) for cell, text in table.items()}

    def _value(self, name: str, text: object, place: str) -> Any:
        """A constant of a mapping as a value of the field. None if it is empty or wrong."""
        if not isinstance(text, str):
            self._add(place, f"{shown(text)} is not a value")
            return None
        if not text.strip():
            return None
        return self._at(place, lambda: FIELDS[name](text.strip(), PLAIN, RowContext()))

    # what is around the fields

    def _formats(self, place: str, written: Mapping[Any, Any], base: Formats) -> Formats:
        """How values are written, with what a field or the whole mapping says about it."""
        dates, amounts, yes, no = base.dates, base.amounts, base.yes, base.no
        if "zone" in written:
            zone = self._at(f"{place}.zone", lambda: read_zone_of_times(written["zone"]))
            dates = replace(dates, zone=zone or dates.zone)
        if "date" in written:
            found = self._at(f"{place}.date", lambda: read_formats(written["date"]))
            dates = replace(dates, formats=found or dates.formats)
            needs = next((form for form in found or () if form.needs_zone), None)
            if needs and dates.zone is None and "zone" not in written:
                reason = (
                    "has a time without an offset; add zone: with the zone in which such times "
                    "were written, such as UTC, or account for the account's own"
                )
                self._add(f"{place}.date", f"{needs.written} {reason}")
        if "amount" in written:
            amounts = (
                self._at(f"{place}.amount", lambda: read_amount_format(written["amount"]))
                or amounts
            )
        if "yes" in written:
            yes = tuple(w.casefold() for w in self._words(f"{place}.yes", written["yes"]))
        if "no" in written:
            no = tuple(w.casefold() for w in self._words(f"{place}.no", written["no"]))
        if "yes" in written and "no" not in written:
            no = tuple(word for word in NO if word not in yes)
        if "no" in written and "yes" not in written:
            yes = tuple(word for word in YES if word not in no)
        if both := sorted(set(yes) & set(no)):
            self._add(f"{place}.yes", f"{shown(both[0])} is among the words for no, too")
        return Formats(dates, amounts, yes, no)

    def _text_source(self, written: object, place: str, formats: Formats) -> FieldSource | None:
        """A source that is compared as text or as a date, and is not a field."""
        if not isinstance(written, Mapping):
            self._add(place, f"{shown(written)} is not a mapping with a column")
            return None
        self._unknown(place, written, (*_TEXT, "date", "zone"))
        base = formats if "date" in written else replace(formats, dates=PLAIN.dates)
        return replace(self._columns(written, place), formats=self._formats(place, written, base))

    def _conditions(self, word: str, formats: Formats) -> tuple[Condition, ...]:
        if word not in self._written:
            return ()
        written = self._written[word]
        several = written if isinstance(written, list) else [written]
        found = [
            self._condition(one, f"mapping.{word}" + (f"[{i}]" if len(several) > 1 else ""))
            for i, one in enumerate(several[:MOST_WORDS])
        ]
        return tuple(one for one in found if one is not None)

    def _condition(self, written: object, place: str) -> Condition | None:
        if not isinstance(written, Mapping):
            self._add(place, f"{shown(written)} is not a mapping with column and is, or is_not")
            return None
        self._unknown(place, written, (*_TEXT, "is", "is_not", "because"))
        word = "is" if "is" in written else "is_not"
        if ("is" in written) == ("is_not" in written):
            self._add(place, "needs is or is_not, with one text or a list of them")
            return None
        texts = self._words(f"{place}.{word}", written[word], empty=True)
        because = self._words(f"{place}.because", written.get("because", ""), empty=True)
        return Condition(
            self._columns(written, place), frozenset(texts), word == "is_not", " ".join(because)
        )

    def _lookup_files(self, written: object, folder: Path) -> Mapping[str, LookupFile]:
        if not isinstance(written, Mapping):
            self._add("mapping.lookups", f"{shown(written)} is not a mapping from name to file")
            return {}
        found = {}
        for name, one in written.items():
            place = at("mapping.lookups", name)
            if not isinstance(one, Mapping):
                self._add(place, f"{shown(one)} is not a mapping with file, key, by")
                continue
            self._unknown(place, one, ("file", "key", "by", *_FILE))
            texts = {}
            for word in ("file", "key", "by"):
                text = one.get(word)
                if not isinstance(text, str) or not text or "\0" in text:
                    what = "a file" if word == "file" else "a column"
                    self._add(f"{place}.{word}", f"missing; it names {what}")
                texts[word] = str(text)
            declared = Declared(
                *(
                    self._choice(place, one, word, allowed)
                    for word, allowed in zip(_FILE, (ENCODINGS, DELIMITERS, QUOTES), strict=True)
                )
            )
            found[str(name)] = LookupFile(
                folder / texts["file"], texts["key"], texts["by"], declared
            )
        return found

    # small parts

    def _add(self, place: str, reason: str) -> None:
        self.faults.append(Fault(place, reason))

    def _at(self, place: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Wrong as error:
            self._add(place, str(error))
            return None

    def _unknown(self, place: str, written: Mapping[Any, Any], known: Sequence[str]) -> None:
        self.faults += [unknown_key(place, key, known) for key in written if key not in known]

    def _choice(
        self, place: str, written: Mapping[Any, Any], word: str, allowed: Iterable[str]
    ) -> str | None:
        if word not in written:
            return None
        value = written[word]
        if not isinstance(value, str) or value not in allowed:
            reason = f"{shown(value)} is not allowed; allowed are {listed(list(allowed))}"
            self._add(f"{place}.{word}", reason)
            return None
        return value

    def _words(self, place: str, written: object, *, empty: bool = False) -> list[str]:
        """One text, or a list of texts."""

        def check() -> list[str]:
            words = written if isinstance(written, list) else [written]
            if len(words) > MOST_WORDS:
                wrong(f"names {len(words)}; at most {MOST_WORDS} are allowed")
            for word in words:
                if not isinstance(word, str) or (not word and not empty):
                    wrong(f"{shown(word)} is not a text")
                if len(word) > LONGEST_WORD:
                    wrong(f"{shown(word)} has more than {LONGEST_WORD} characters")
            return [str(word) for word in words]

        return self._at(place, check) or []


def _incomplete(fields: Mapping[Any, Any], place: str) -> list[Fault]:
    """The faults of fields that are missing and of fields that exclude one another."""
    faults = [Fault(f"{place}.{name}", "missing") for name in ALWAYS if name not in fields]
    faults += [
        Fault(place, f"{either(names)} is missing")
        for names in ONE_OF
        if not any(name in fields for name in names)
    ]
    faults += [
        Fault(place, f"{' and '.join(names)} exclude one another")
        for names in AT_MOST_ONE_OF
        if all(name in fields for name in names)
    ]
    if "sku" in fields:
        return faults
    known = "is missing; only with a sku of the catalogue it is known"
    if "price" not in fields and "monthly_price" not in fields:
        faults.append(Fault(place, f"price or monthly_price {known}"))
    if "months" not in fields and "cycle" not in fields:
        faults.append(Fault(f"{place}.months", known.removeprefix("is ")))
    return faults
