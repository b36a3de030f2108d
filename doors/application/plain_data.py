"""Values as plain data, as programs read them: for JSON, CSV and HTTP.

Amounts are text with the decimals of their currency, days are 2021-01-31, instants have an offset.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from core.domain.money import plain, without_currency

#: Values of exactly these types stay as they are. They are most of all values.
_AS_IS = frozenset({str, int, bool, float, NoneType})


def data(value: Any, currency: str | None = None) -> Any:
    """Return a value as plain data.

    An amount gets the decimals of the currency beside it, or of the value that contains it. A
    number without a currency, such as a percentage, has no zeros at the end of its decimals.
    """
    kind: Any = type(value)
    if kind in _AS_IS:
        return value
    if (names := _fields_of(kind)) is not None:
        own = getattr(value, "currency", None) or currency
        return {name: data(getattr(value, name), own) for name in names}
    match value:
        case Enum():
            return value.value
        case Decimal():
            return plain(value, currency) if currency else without_currency(value)
        case date():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): data(item, currency) for key, item in value.items()}
        case str() | int() | float():
            return value
        case Iterable():
            return [data(item, currency) for item in value]
        case _:  # Any other type is a fault of the program.
            raise TypeError(f"{type(value).__name__} has no form as plain data")


@cache
def _fields_of(kind: type) -> tuple[str, ...] | None:
    """The names of the fields of a dataclass. None for another type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None
