"""A suggestion for the mapping of a file, with comments on what is not sure.

If the header has all columns of a ready mapping, that mapping is the suggestion. Otherwise names
and values are guessed (`doors.intake.guessed_columns`). A suggestion can always be read as a
mapping. What could not be found is a constant with the mark UNSURE.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from core.domain.counted import counted
from doors.intake import column_mapping, ready_mappings
from doors.intake.csv_rows import csv_rows, header_of
from doors.intake.file_shape import Declared, FileShape, shape_of
from doors.intake.guessed_columns import MOST_WORDS, Column, candidates, is_sure, look_at

UNSURE = "# UNSURE:"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ()./+-]*[A-Za-z0-9_)]|[A-Za-z]")
_WORDS_OF_YAML = ("yes", "no", "true", "false", "on", "off", "null", "y", "n")
#: The order of the fields, and in which each takes its column.
_ORDER = (
    "id",
    "account",
    "owner",
    "billing_email",
    "currency",
    "timezone",
    "card",
    "renew_by_card",
    "credits",
    "sku",
    "application",
    "price",
    "monthly_price",
    "quantity",
    "next_charge",
    "paid_until",
    "anchor",
    "tenure_months",
    "months",
    "cycle",
    "auto_renew",
    "status",
)
_STATUSES = {
    "trial": ("trial",),
    "past_due": ("due", "unpaid", "failed", "overdue", "hold"),
    "unsubscribed": ("non", "pending", "cancelling"),
    "terminated": ("cancel", "terminat", "delet", "closed", "ended"),
    "expired": ("expire", "lapsed"),
    "active": ("active", "live", "ok", "current"),
}
_NUMBERS = {"one": 1, "two": 2, "three": 3, "six": 6, "half": 0.5}
_YES = ("yes", "true", "on", "1", "y", "t", "active", "enabled", "auto")
_NO = ("no", "false", "off", "0", "n", "f", "inactive", "disabled", "manual", "")


def suggest(file: Path) -> str:
    """A mapping for a file, as YAML with comments.

    Raises `Faults` if it is no CSV file, and OSError if it cannot be read.
    """
    shape = shape_of(file, Declared(), ())
    header = header_of(file, shape)
    ready = _ready(header)
    if ready:
        return ready
    rows = csv_rows(file, shape)
    next(rows, None)
    columns = look_at(header, (row.cells for row in rows))
    return "\n".join(_Suggestion(file, shape, columns).lines()) + "\n"


def _ready(header: list[str]) -> str | None:
    """The text of the ready mapping all columns of which the header has, if there is one."""
    for name in ready_mappings.names():
        found = ready_mappings.file_of(Path(name))
        if not found.exists():
            continue
        if set(column_mapping.read(found).columns) <= set(header):
            text = found.read_text(encoding="utf-8")
            note = f"# The file has all columns of the ready mapping {name}: --mapping {name}"
            return f"{note}\n\n{text}"
    return None


class _Suggestion:
    """One suggestion, line by line."""

    def __init__(self, file: Path, shape: FileShape, columns: list[Column]) -> None:
        self._file, self._shape, self._columns = file, shape, columns
        self._fields = [name for name in _ORDER if name in column_mapping.FIELDS]
        self._chosen = self._choose()

    def _choose(self) -> dict[str, Column]:
        """The column of each field. Exact names come first, and a column has one field."""
        found: dict[str, Column] = {}
        ranked = candidates(self._columns, self._fields)
        for sure in (True, False):
            for name in self._fields:
                taken = {column.name for column in found.values()}
                free = [column for column in ranked[name] if column.name not in taken]
                if name not in found and free and (is_sure(name, free[0]) or not sure):
                    found[name] = free[0]
        days = [column for column in self._columns if column.is_date]
        if days and not {"anchor", "paid_until", "next_charge", "tenure_months"} & set(found):
            found["anchor"] = days[0]
        if "id" not in found and "account" in found:
            found["id"] = found.pop("account")
        for one, other in (("price", "monthly_price"), ("anchor", "tenure_months")):
            if one in found and other in found:
                weaker = (
                    one if is_sure(other, found[other]) and not is_sure(one, found[one]) else other
                )
                found.pop(weaker)
        return found

    def lines(self) -> Iterator[str]:
        """The lines of the mapping."""
        yield f"# A suggestion for {self._file.name}: {self._shape.words}."
        yield "# Look at each line with UNSURE. Then: import FILE --mapping THIS --dry-run"
        yield ""
        if self._shape.encoding != "utf-8":
            yield f"encoding: {self._shape.encoding}"
        if self._shape.delimiter != ",":
            yield f"delimiter: {_text(self._shape.delimiter)}"
        yield from self._formats()
        yield "fields:"
        for name in self._needed():
            yield from self._field(name)
        unread = [
            column.name for column in self._columns if column.name not in self._read_columns()
        ]
        if unread:
            shown = ", ".join(json.dumps(name, ensure_ascii=False) for name in unread[:MOST_WORDS])
            yield f"# Not read: {shown}{' and more' if len(unread) > MOST_WORDS else ''}"

    def _read_columns(self) -> set[str]:
        return {column.name for column in self._chosen.values()}

    def _needed(self) -> list[str]:
        """The fields that are written: those that were found, and those that every row needs."""
        needed = {"id", "currency", "timezone", *self._chosen}
        if not needed & {"price", "monthly_price"}:
            needed.add("price")
        if not needed & {"anchor", "paid_until", "next_charge", "tenure_months"}:
            needed.add("anchor")
        if "paid_until" not in column_mapping.FIELDS and not needed & {"anchor", "tenure_months"}:
            needed.add("anchor")
        if "months" not in needed:
            needed.add("cycle")
        return [name for name in self._fields if name in needed]

    def _formats(self) -> Iterator[str]:
        dates = [
            column
            for name, column in self._chosen.items()
            if name in ("anchor", "paid_until", "next_charge")
        ]
        formats = list(dict.fromkeys(shape for column in dates for shape in column.formats))[:5]
        if formats and formats != ["YYYY-MM-DD"]:
            written = [_text(shape) for shape in formats]
            others = dict.fromkeys(shape for column in dates for shape in column.other_formats)
            others = {shape: None for shape in others if shape not in formats}
            note = f"  {UNSURE} {', '.join(others)} fits as well" if others else ""
            if mixed := [column.name for column in dates if len(column.formats) > 1]:
                names = ", ".join(json.dumps(name, ensure_ascii=False) for name in mixed)
                note = f"{note or f'  {UNSURE}'} {names} is written in several ways"
            several = f"[{', '.join(written)}]" if len(written) > 1 else written[0]
            yield f"date: {several}{note}"
            if any(column.needs_zone for column in dates):
                yield f"zone: UTC  {UNSURE} in which zone were the times written?"
        amounts = [
            column.amounts
            for name, column in self._chosen.items()
            if name in ("price", "monthly_price", "credits") and column.amounts
        ]
        shapes = [
            shape for shape in (amounts[0] if amounts else ()) if all(shape in a for a in amounts)
        ]
        if shapes and "1234.56" not in shapes:
            note = f"  {UNSURE} {', '.join(shapes[1:])} fits as well" if shapes[1:] else ""
            yield f"amount: {json.dumps(shapes[0])}{note}"

    def _field(self, name: str) -> Iterator[str]:
        column = self._chosen.get(name)
        if column is None:
            yield from self._missing(name)
            return
        note = "" if is_sure(name, column) else f"  {UNSURE} is this {name}?"
        source = _text(column.name)
        match name:
            case "cycle" if not column.cycle and column.whole:
                yield f"  months: {{column: {source}}}  {UNSURE} are these numbers months?"
            case "cycle" if not column.cycle:
                yield from self._table("months", column, _months)
            case "auto_renew" | "renew_by_card":
                yield from self._table(name, column, _flag)
            case "status":
                yield from self._table(name, column, _status)
            case "price" | "monthly_price" if column.whole:
                cents = "if these are cents, add amount: minor units"
                yield f"  {name}: {{column: {source}}}  {UNSURE} {cents}"
            case _:  # The other fields are written as they are.
                yield f"  {name}: {{column: {source}}}{note}"
        if column.empty and name in ("quantity",):
            yield f"  # {counted(column.empty, 'row has', 'rows have')} no {name}; the default is 1"

    def _missing(self, name: str) -> Iterator[str]:
        match name:
            case "id":
                first = _text(self._columns[0].name) if self._columns else "id"
                yield f"  id: {{column: {first}}}  {UNSURE} no column is named like an id"
            case "currency":
                yield f"  currency: USD  {UNSURE} no column has a currency"
            case "timezone":
                yield f"  timezone: UTC  {UNSURE} no column has a zone; name that of the customers"
            case "price":
                yield f'  price: "0"  {UNSURE} no column has a price; name it, or sku'
            case "cycle":
                yield f"  months: 1  {UNSURE} no column has the length of a cycle"
            case _:  # What is left is where the schedule begins.
                why = "no column has the day on which cycles began, so all begin today"
                yield f"  tenure_months: 0  {UNSURE} {why}"

    def _table(
        self, name: str, column: Column, guess: Callable[[str], str | None]
    ) -> Iterator[str]:
        yield f"  {name}:"
        yield f"    column: {_text(column.name)}"
        yield "    values:"
        words = [*column.words, *([""] if column.empty else [])]
        for word in words:
            found = guess(word)
            note = "" if found is not None else f"  {UNSURE} what does it mean?"
            yield f"      {_text(word)}: {found or _DEFAULTS[name]}{note}"


_DEFAULTS: Mapping[str, str] = {
    "months": "1",
    "auto_renew": "yes",
    "renew_by_card": "no",
    "status": "active",
}


def _months(word: str) -> str | None:
    text = word.casefold()
    number = re.search(r"[0-9]+", text)
    spelled = next((value for name, value in _NUMBERS.items() if name in text.split()), 1)
    count = int(number[0]) if number else spelled
    for unit, months in (("year", 12), ("annual", 12), ("quarter", 3), ("month", 1)):
        if unit in text:
            return str(int(count * months))
    return None


def _flag(word: str) -> str | None:
    text = word.casefold()
    return "yes" if text in _YES else "no" if text in _NO else None


def _status(word: str) -> str | None:
    text = word.casefold()
    return next(
        (status for status, parts in _STATUSES.items() if any(part in text for part in parts)), None
    )


def _text(text: str) -> str:
    """A text as YAML, in quotes where it needs them."""
    plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS_OF_YAML
    return text if plain else json.dumps(text, ensure_ascii=False)
