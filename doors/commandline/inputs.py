"""What people write at the door: ids, amounts, days, instants, files. Everything that is wrong is a `Fault` that names the place, what was
written and what is allowed; nothing that arrives here ends in a trace.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, TypeVar

from core.domain import calendar, money
from core.domain.calendar import first_instant
from core.domain.faults import Fault, Faults
from core.domain.places import shown

LONGEST_ID = 200
LONGEST_TEXT = 1000
LARGEST_FILE = 10_000_000
"""Bytes of a file that is read as a whole."""
YEARS = (1970, 2999)

D = TypeVar("D", bound=date)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def wrong(place: str, reason: str) -> NoReturn:
    """Say what is wrong with what was written."""
    raise Faults([Fault(place, reason)])


def text(place: str, value: str, longest: int = LONGEST_TEXT) -> str:
    """Text on one line: not blank, no control characters, and in UTF-8."""
    if not value.strip():
        wrong(place, "must not be empty")
    if len(value) > longest:
        wrong(place, f"has {len(value)} characters; at most {longest} are allowed")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        wrong(
            place,
            f"{shown(value)} has control characters or is not UTF-8; text on one line is allowed",
        )
    return value


def name(place: str, value: str) -> str:
    """An id of an account, a subscription, a SKU, a clock or a request."""
    return text(place, value, LONGEST_ID)


def optional_name(place: str, value: str | None) -> str | None:
    """An id, or none."""
    return None if value is None else name(place, value)


def amount(place: str, value: str) -> Decimal:
    """An amount of zero or more, with at most 5 decimals, below 10^12 (Rule 3.2)."""
    try:
        found = money.parse_amount(value)
    except ValueError as error:
        wrong(place, str(error))
    if found < 0:
        wrong(place, f"{value} is negative; allowed are zero and more")
    return found


def positive_amount(place: str, value: str) -> Decimal:
    """An amount above zero."""
    found = amount(place, value)
    if not found:
        wrong(place, f"{value} is nothing; allowed is more than zero")
    return found


def currency(place: str, value: str) -> str:
    """The ISO 4217 code of a currency in use."""
    return _known(place, value, money.minor_units)


def zone(place: str, value: str) -> str:
    """The name of an IANA time zone (Rule 1.1)."""
    return _known(place, value, calendar.zone)


def _known(place: str, value: str, look_up: Callable[[str], object]) -> str:
    """A name that a look-up finds; what the look-up says of another one is what is wrong with it."""
    try:
        look_up(value)
    except ValueError as error:
        wrong(place, str(error))
    return value


def day(place: str, value: str) -> date:
    """A local date such as 2021-01-31."""
    if not _DATE.fullmatch(value):
        wrong(place, f"{shown(value)} is not a date; write it as 2021-01-31")
    try:
        found = date.fromisoformat(value)
    except ValueError as error:
        wrong(place, f"{value} is not in the calendar: {error}")
    return _in_range(place, value, found)


def optional_day(place: str, value: str | None) -> date | None:
    """A local date, or none."""
    return None if value is None else day(place, value)


def instant(place: str, value: str, zone_name: str = "UTC") -> datetime:
    """An instant (UTC): one with an offset, or a date, whose first instant in the zone it is (Rule 1.4)."""
    match = _INSTANT.fullmatch(value)
    if match is None:
        if not _DATE.fullmatch(value):
            wrong(
                place,
                f"{shown(value)} is neither a date such as 2021-01-31 nor an instant with an offset such as 2021-01-31T08:00:00+08:00",
            )
        return first_instant(day(place, value), zone_name)
    written, time, offset = match.groups()
    try:
        return _in_range(
            place,
            value,
            datetime.fromisoformat(f"{written}T{time}{offset.upper()}").astimezone(UTC),
        )
    except (ValueError, OverflowError) as error:
        if isinstance(error, Faults):
            raise
        wrong(place, f"{value} is no instant: {error}")


def _in_range(place: str, value: str, found: D) -> D:
    first, last = YEARS
    if not first <= found.year <= last:
        wrong(place, f"{value} is out of range; the years {first} to {last} are allowed")
    return found


def addons(values: list[str]) -> dict[str, int]:
    """Add-ons written as SKU=QUANTITY, or SKU for one of it."""
    found: dict[str, int] = {}
    for value in values:
        sku, separator, quantity = value.rpartition("=")
        sku, quantity = (sku, quantity) if separator else (value, "1")
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", quantity):
            wrong(
                "--addon", f"{shown(value)} is not SKU=QUANTITY with a whole number, such as SEAT=3"
            )
        if name("--addon", sku) in found:
            wrong("--addon", f"{sku} is named twice")
        found[sku] = int(quantity)
    return found


def content(place: str, path: Path) -> bytes:
    """The bytes of a file, no more of them than are allowed."""
    try:
        if path.is_dir():
            wrong(place, f"{path} is a directory; name a file")
        with path.open("rb") as file:
            found = file.read(LARGEST_FILE + 1)
    except OSError as error:
        wrong(place, f"{path} cannot be read: {error.strerror or error}")
    if len(found) > LARGEST_FILE:
        wrong(place, f"{path} has more than {LARGEST_FILE} bytes; smaller files are allowed")
    return found
