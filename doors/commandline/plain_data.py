"""Results for programs: JSON and CSV.

Amounts are text with the decimals of their currency, days are 2021-01-31, instants have an offset.
"""

import json
import re
from typing import Any

from doors.application.csv_lines import csv_line
from doors.application.plain_data import data
from doors.application.safe_text import printable

__all__ = ["as_json", "csv_line", "data"]


def as_json(value: Any, currency: str | None = None) -> str:
    """Return a value as JSON text. Characters that a terminal obeys are escaped."""
    text = json.dumps(data(value, currency), ensure_ascii=False, indent=2)
    return re.sub(r"[^\x20-\x7e\n]", lambda found: _json_escape(found[0]), text)


def _json_escape(character: str) -> str:
    return character if printable(character) == character else f"\\u{ord(character):04x}"
