"""What people write on the command line: ids, amounts, days, quantities, numbers and files.

A thin layer over `core.domain.inputs`, which reads the values. Here each value has a place, the
name of its option or argument. Every function raises `Faults` with that place, what was written and
what is allowed.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TypeVar

from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.domain.inputs import (
    LARGEST_WHOLE,
    LONGEST_TEXT,
    Sign,
    Wrong,
    read_amount,
    read_choice,
    read_currency,
    read_day,
    read_email,
    read_id,
    read_instant,
    read_number,
    read_percent,
    read_position,
    read_text,
    read_whole_text,
    read_zone,
)
from core.domain.numbers import HoldKind, NumberState, Wanted
from core.domain.profiles import LONGEST_LINE, read_country, read_logo

LARGEST_FILE = 10_000_000
"""Bytes of a file that is read as a whole."""
YEARS = (1970, 2999)
"""The years of a day or an instant."""

T = TypeVar("T")
C = TypeVar("C", bound=StrEnum)


def wrong(place: str, reason: str) -> NoReturn:
    """Raise `Faults` with one fault."""
    raise Faults([Fault(place, reason)])


def _read(place: str, read: Callable[[], T]) -> T:
    """What a reader returns. Raises `Faults` at the place if the reader raises `Wrong`."""
    try:
        return read()
    except Wrong as error:
        wrong(place, str(error))


def read(place: str, value: object, reader: Callable[[object], T]) -> T:
    """What a reader returns. Raises `Faults` at the place if the reader raises `Wrong`."""
    return _read(place, lambda: reader(value))


def text(place: str, value: str, longest: int = LONGEST_TEXT) -> str:
    """Text on one line that is not blank, without control characters, in UTF-8."""
    return _read(place, lambda: read_text(value, longest))


def name(place: str, value: str) -> str:
    """An id of an account, a subscription, a SKU, a clock or a request."""
    return _read(place, lambda: read_id(value))


def email(place: str, value: str) -> str:
    """An e-mail address, such as ``ann@example.com``."""
    return _read(place, lambda: read_email(value))


def optional_name(place: str, value: str | None) -> str | None:
    """An id, or None."""
    return None if value is None else name(place, value)


def amount(place: str, value: str) -> Decimal:
    """An amount of zero or more, with at most 5 decimals, below 10^12 (Rule 3.2)."""
    return _read(place, lambda: read_amount(value))


def positive_amount(place: str, value: str) -> Decimal:
    """An amount above zero."""
    return _read(place, lambda: read_amount(value, Sign.POSITIVE))


def percent(place: str, value: str) -> Decimal:
    """A number from 0 to 100 with at most 5 decimals (Rule 3.6)."""
    return _read(place, lambda: read_percent(value))


def currency(place: str, value: str) -> str:
    """The ISO 4217 code of a currency in use."""
    return _read(place, lambda: read_currency(value))


def zone(place: str, value: str) -> str:
    """The name of an IANA time zone (Rule 1.1)."""
    return _read(place, lambda: read_zone(value))


def day(place: str, value: str) -> date:
    """A local date such as 2021-01-31."""
    return _read(place, lambda: read_day(value, YEARS))


def optional_day(place: str, value: str | None) -> date | None:
    """A local date, or None."""
    return None if value is None else day(place, value)


def in_order(first_place: str, first: date | None, last_place: str, last: date | None) -> None:
    """Raise `Faults` when the first of two days is after the last one."""
    if first and last and first > last:
        wrong(first_place, f"{first} is after {last_place}, {last}")


def optional_position(place: str, value: str | None) -> int | None:
    """The position of a line, or None."""
    if value is None:
        return None
    return _read(place, lambda: read_position(value))


def instant(place: str, value: str, zone_name: str = "UTC") -> datetime:
    """An instant in UTC. A date means its first instant in the zone (Rule 1.4)."""
    return _read(place, lambda: read_instant(value, zone_name, YEARS))


def number(place: str, value: str) -> str:
    """A phone number: + and at most 15 digits."""
    return _read(place, lambda: read_number(value))


def e164(place: str, value: str) -> str:
    """A phone number that its country can have. Spaces and dashes in it are left out."""
    from doors.intake.phone_numbers import read_e164

    return _read(place, lambda: read_e164(value))


def choice(place: str, value: str, choices: type[C]) -> C:
    """One of the values of an enumeration."""
    return _read(place, lambda: read_choice(value, choices))


def optional_number_state(place: str, value: str | None) -> NumberState | None:
    """A state of a number, or None."""
    if value is None:
        return None
    return NumberState(_read(place, lambda: read_choice(value, NumberState)))


def quantities(place: str, values: list[str]) -> dict[str, int]:
    """Quantities by SKU that are written as SKU=QUANTITY, or as SKU for one of it."""
    found: dict[str, int] = {}
    for value in values:
        sku, separator, written = value.rpartition("=")
        sku, written = (sku, written) if separator else (value, "1")
        try:
            quantity = read_whole_text(written, -LARGEST_WHOLE)
        except Wrong:
            reason = "is not SKU=QUANTITY with a whole number, such as SEAT=3"
            wrong(place, f"{shown(value)} {reason}")
        if name(place, sku) in found:
            wrong(place, f"{sku} is named twice; name it once")
        found[sku] = quantity
    return found


def numbers(place: str, values: list[str]) -> tuple[Wanted, ...]:
    """Phone numbers that are written as NUMBER=SKU or NUMBER=SKU:HOLD. Each occurs once."""
    found: dict[str, Wanted] = {}
    for value in values:
        written, _, rest = value.partition("=")
        sku, _, hold = rest.partition(":")
        if not sku or (hold and hold not in list(HoldKind)):
            reason = "is not NUMBER=SKU or NUMBER=SKU:HOLD; a hold is normal, ported_in or byoi"
            wrong(place, f"{shown(value)} {reason}")
        if number(place, written) in found:
            wrong(place, f"{written} is named twice; name it once")
        kind = HoldKind(hold or HoldKind.NORMAL)
        found[written] = Wanted(number=written, sku=name(place, sku), hold=kind)
    return tuple(found.values())


def content(place: str, path: Path) -> bytes:
    """The bytes of a file that is not too large."""
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


def country(place: str, value: str) -> str:
    """A country's ISO 3166 code of two letters, in upper case."""
    return _read(place, lambda: read_country(value))


def line(place: str, value: str | None) -> str | None:
    """A line of an address, or empty text, which removes what was there. None for None."""
    return value if not value else text(place, value, LONGEST_LINE)


def logo(place: str, path: Path) -> bytes:
    """The picture of a logo, which can be drawn."""
    from core.documents.pdf import BadLogo, check_logo

    picture = _read(place, lambda: read_logo(content(place, path)))
    try:
        check_logo(picture)
    except BadLogo as error:
        wrong(place, str(error))
    return picture
