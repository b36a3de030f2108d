"""Results for programs: JSON and CSV.

Amounts are text with the decimals of their currency, days are 2021-01-31, instants have an offset.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from io import StringIO
from pathlib import Path
from typing import Any

from core.domain.money import plain
from doors.application.safe_text import printable, spreadsheet_cell


def data(value: Any, currency: str | None = None) -> Any:
    """Return a value as plain data.

    An amount gets the decimals of the currency beside it, or of the value that contains it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        own = getattr(value, "currency", None) or currency
        return {f.name: data(getattr(value, f.name), own) for f in fields(value)}
    match value:
        case Enum():
            return value.value
        case Decimal():
            return plain(value, currency) if currency else format(value, "f")
        case date():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): data(item, currency) for key, item in value.items()}
        case str() | None | bool() | int() | float():
            return value
        case Iterable():
            return [data(item, currency) for item in value]
        case _:  # Any other type is a fault of the program.
            raise TypeError(f"{type(value).__name__} has no form as plain data")


def as_json(value: Any, currency: str | None = None) -> str:
    """Return a value as JSON text. Characters that a terminal obeys are escaped."""
    text = json.dumps(data(value, currency), ensure_ascii=False, indent=2)
    return re.sub(r"[^\x20-\x7e\n]", lambda found: _json_escape(found[0]), text)


def csv_line(cells: Iterable[object]) -> str:
    """Return cells as a line of CSV that a spreadsheet can open. No cell is run as a formula."""
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _json_escape(character: str) -> str:
    return character if printable(character) == character else f"\\u{ord(character):04x}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return spreadsheet_cell(text)
