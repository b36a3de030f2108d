"""The one reader of values that come from outside.

Policies, catalogues, scenario files, CSV files, the command line and HTTP all read their values
here. So every value is checked in one way, and every message says the same thing. A reader returns
the value, or raises `Wrong` with what was written and what is allowed. The caller adds the place.

Readers take what the format gives: text, or a value that YAML or JSON has typed already. Numbers
and flags may come as text too, as a cell of a CSV file does.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import NoReturn, TypeVar

from core.domain import calendar, money
from core.domain.places import shown
from core.domain.places import whole as is_whole

LONGEST_ID = 200
"""Characters of an id: of an account, a subscription, a SKU, a clock, a request."""
LONGEST_TEXT = 1000
"""Characters of a text that is not an id."""
LARGEST_WHOLE = 1_000_000_000
"""A whole number from outside lies below this."""
YEARS = (1900, 2999)
"""The years of a day or an instant, unless the caller says otherwise."""

C = TypeVar("C", bound=StrEnum)

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_FLAGS = {"yes": True, "true": True, "on": True, "1": True}
_FLAGS |= {"no": False, "false": False, "off": False, "0": False}
_NOT_TEXT = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that a text may not have: control characters, surrogates, line separators."""


class Wrong(ValueError):
    """A value that cannot be read. The message says what is wrong and what is allowed."""


class Sign(Enum):
    """Which amounts are allowed."""

    POSITIVE = "above zero"
    NOT_NEGATIVE = "zero or more"
    NOT_ZERO = "above or below zero"


def wrong(reason: str) -> NoReturn:
    """Raise `Wrong` with a reason."""
    raise Wrong(reason)


def read_text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Text on one line: not blank, at most `longest` characters, no control characters, UTF-8."""
    if not isinstance(value, str):
        wrong(f"must be text, not {shown(value)}; write it in quotes")
    if not value.strip():
        wrong("must not be empty")
    if len(value) > longest:
        wrong(f"has {len(value)} characters; at most {longest} are allowed")
    if any(unicodedata.category(character) in _NOT_TEXT for character in value):
        wrong(f"{shown(value)} has control characters or is not UTF-8; text on one line is allowed")
    return value


def read_id(value: object) -> str:
    """The id of an account, a subscription, a SKU, a test clock or a request."""
    return read_text(value, LONGEST_ID)


def read_whole(value: object, least: int = 0, most: int = LARGEST_WHOLE) -> int:
    """A whole number from `least` to `most`. True and false are no numbers."""
    number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
    if not is_whole(number) or not least <= number <= most:
        allowed = f"of {least} or more" if most == LARGEST_WHOLE else f"from {least} to {most}"
        wrong(f"must be a whole number {allowed}, not {shown(value)}")
    return number


def read_flag(value: object) -> bool:
    """True or false; as text also yes and no, on and off, 1 and 0."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    wrong(f"must be true or false, not {shown(value)}")


def read_choice(value: object, choices: type[C]) -> C:
    """One of the values of an enumeration."""
    allowed = [choice.value for choice in choices]
    if not isinstance(value, str) or value not in allowed:
        wrong(f"must be {either(allowed)}, not {shown(value)}")
    return choices(value)


def read_amount(value: object, sign: Sign = Sign.NOT_NEGATIVE) -> Decimal:
    """An amount of money as text, with at most 5 decimals and below 10^12 (Rule 3.2)."""
    try:
        amount = money.parse_amount(value)
    except ValueError as error:
        raise Wrong(str(error)) from None
    if (
        (sign is Sign.POSITIVE and amount <= 0)
        or (sign is Sign.NOT_NEGATIVE and amount < 0)
        or (sign is Sign.NOT_ZERO and amount == 0)
    ):
        wrong(f"must be {sign.value}, not {shown(value)}")
    return amount


def read_percent(value: object) -> Decimal:
    """A number from 0 to 100, as text or as a number (Rule 3.6)."""
    try:
        as_text = str(value) if is_whole(value) or isinstance(value, float) else value
        number = money.parse_amount(as_text)
    except ValueError:
        number = Decimal(-1)
    if not 0 <= number <= 100:
        wrong(f"must be 0 to 100, not {shown(value)}")
    return number


def read_currency(value: object) -> str:
    """The ISO 4217 code of a currency in use."""
    if not money.is_currency(value):
        wrong(f"{shown(value)} is not a currency in use; allowed are ISO 4217 codes such as USD")
    return str(value)


def read_zone(value: object) -> str:
    """The name of an IANA time zone (Rule 1.1)."""
    try:
        calendar.zone(value)  # type: ignore[arg-type]
    except ValueError as error:
        raise Wrong(str(error)) from None
    return str(value)


def read_day(value: object, years: tuple[int, int] = YEARS) -> date:
    """A local date such as 2021-01-31, in the years from first to last."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        wrong(f"must be a date such as 2021-01-31, not {shown(value)}")
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise Wrong(f"{value} is not in the calendar: {error}") from None
    return _in_range(value, day, years)


def read_moment(value: object, years: tuple[int, int] = YEARS) -> date | datetime:
    """A local date, or an instant with an offset (returned in UTC)."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match:
        written, time, offset = match.groups()
        try:
            instant = datetime.fromisoformat(f"{written}T{time}{offset.upper()}").astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Wrong(f"{shown(value)} is not an instant: {error}") from None
        return _in_range(str(value), instant, years)
    if isinstance(value, str) and _DATE.fullmatch(value):
        return read_day(value, years)
    wrong(
        "must be a date such as 2021-01-31 or an instant with an offset such as "
        f"2021-01-31T15:30:00+08:00, not {shown(value)}"
    )


def read_instant(value: object, zone: str = "UTC", years: tuple[int, int] = YEARS) -> datetime:
    """An instant in UTC: one with an offset, or the first instant of a date in `zone` (Rule 1.4)."""
    moment = read_moment(value, years)
    return moment if isinstance(moment, datetime) else calendar.first_instant(moment, zone)


def either(words: Iterable[str]) -> str:
    """Words as a choice: ``a, b or c``."""
    several = list(words)
    return " or ".join(filter(None, (", ".join(several[:-1]), several[-1])))


D = TypeVar("D", bound=date)


def _in_range(value: str, found: D, years: tuple[int, int]) -> D:
    first, last = years
    if not first <= found.year <= last:
        wrong(f"{value} is out of range; the years {first} to {last} are allowed")
    return found
