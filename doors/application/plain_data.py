"""Values as plain data, as programs read them: for JSON, CSV and HTTP.

Amounts are text with the decimals of their currency, days are 2021-01-31, instants have an offset.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from core.domain.money import plain


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
