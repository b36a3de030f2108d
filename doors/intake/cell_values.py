"""What the text of a cell means, by kind of field: amounts, days, yes and no, names, numbers.

A reader gets the text, how the mapping says that such values are written, and what the row says
about its currency and zone. It returns the value, or raises `Wrong` with what is allowed.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from core.domain.fault_places import shown
from core.domain.inputs import (
    Sign,
    Wrong,
    either,
    read_currency,
    read_percent,
    read_whole_text,
    read_zone,
    wrong,
)
from core.domain.rules import Rule
from doors.intake import amount_formats
from doors.intake.amount_formats import AmountFormat
from doors.intake.date_formats import DateFormats, plain_dates

YES = ("yes", "true", "on", "1", "y", "t")
NO = ("no", "false", "off", "0", "n", "f")
"""The words for yes and no, unless a mapping has others. Capitals do not matter."""


@dataclass(frozen=True, slots=True)
class Formats:
    """How the values of a field are written.

    `dates`, `amounts`: the formats of dates and amounts.
    `yes`, `no`: the words for yes and no, in small letters.
    """

    dates: DateFormats = field(default_factory=plain_dates)
    amounts: AmountFormat = amount_formats.PLAIN
    yes: tuple[str, ...] = YES
    no: tuple[str, ...] = NO


PLAIN = Formats()
"""How values are written without a mapping, and how a mapping writes its own constants."""


@dataclass(frozen=True, slots=True)
class RowContext:
    """What a row says that its other cells depend on. None: it could not be read."""

    currency: str | None = None
    timezone: str | None = None


ValueReader = Callable[[str, Formats, RowContext], Any]
"""Reads the text of a cell. Raises `Wrong`."""


def as_text(read: Callable[[object], Any]) -> ValueReader:
    """A reader of `core.domain.inputs`, for which formats do not matter."""
    return lambda text, _formats, _row: read(text)


def as_whole(least: int, most: int) -> ValueReader:
    """Whole numbers, which spreadsheets also write as ``3.0``."""

    def read(text: str, _formats: Formats, _row: RowContext) -> int:
        whole = re.fullmatch(r"([+-]?[0-9]{1,10})(?:[.,]0{1,2})?", text)
        return read_whole_text(whole[1] if whole else text, least, most)

    return read


def as_amount(sign: Sign = Sign.NOT_NEGATIVE) -> ValueReader:
    """Amounts in the currency of the row."""
    return lambda text, formats, row: formats.amounts.read(text, row.currency, sign)


def day(text: str, formats: Formats, row: RowContext) -> date:
    """A local date of the account."""
    return formats.dates.read(text, row.timezone)


def flag(text: str, formats: Formats, _row: RowContext) -> bool:
    """Yes or no, in the words of the mapping. Capitals do not matter."""
    word = text.casefold()
    if word in formats.yes:
        return True
    if word in formats.no:
        return False
    known = f"yes is {either(formats.yes)}, and no is {either(formats.no)}"
    return wrong(
        f"must be yes or no, not {shown(text)}; {known}; yes: and no: in a mapping name other words"
    )


def percent(text: str, _formats: Formats, _row: RowContext) -> Decimal:
    """Percent from 0 to 100, with or without the sign %."""
    try:
        return read_percent(text.removesuffix("%").strip().replace(",", "."))
    except Wrong:
        return wrong(f"must be percent from 0 to 100, such as 12.5 or 12.5%, not {shown(text)}")


def currency(text: str, _formats: Formats, _row: RowContext) -> str:
    """The ISO 4217 code of a currency. Capitals do not matter."""
    try:
        return read_currency(text.upper())
    except Wrong:
        close = get_close_matches(text.upper(), _common_currencies(), n=1, cutoff=0.5)
        guess = f"; did you mean {close[0]}?" if close else ""
        reason = "is not a currency in use; allowed are ISO 4217 codes such as USD"
        return wrong(f"{shown(text)} {reason}{guess}")


def zone(text: str, _formats: Formats, _row: RowContext) -> str:
    """The name of an IANA time zone. Capitals, blanks and underscores do not matter."""
    known = _zones()
    key = _zone_key(text)
    if key in known:
        return read_zone(known[key])
    close = get_close_matches(key, known, n=1, cutoff=0.75)
    guess = f"; did you mean {known[close[0]]}?" if close else ""
    try:
        return read_zone(text)
    except Wrong as error:
        raise Wrong(f"{error}{guess}") from None


def cycle(text: str, _formats: Formats, _row: RowContext) -> int:
    """The months of a cycle that is written in words, such as ``3 months`` or ``yearly``.

    A cycle in days or weeks is refused, because cycles are counted in months (Rule 1.3).
    """
    word = text.casefold().replace("_", " ").strip()
    if word in _WORDS:
        count, unit = _WORDS[word]
    elif match := _CYCLE.fullmatch(word):
        count, unit = int(match["count"] or match["iso"] or 1), (match["unit"] or match["short"])
    else:
        allowed = "allowed are words such as monthly, 3 months, year or P1M"
        wrong(f"{shown(text)} is no length of a cycle; {allowed}")
    months = count * _UNITS.get(unit.rstrip("s"), 0)
    if not months:
        wrong(
            f"{shown(text)} is a cycle of {count} {unit.rstrip('s')}s; cycles are counted in "
            f"months (rule {Rule.ANCHOR}); leave such rows out with skip_when, or agree on "
            "months with the customer"
        )
    return read_whole_text(str(months), 1, 1_200)


_UNITS = {"month": 1, "mo": 1, "m": 1, "quarter": 3, "q": 3, "year": 12, "yr": 12, "y": 12}
_WORDS = {
    "monthly": (1, "month"),
    "quarterly": (1, "quarter"),
    "biannual": (6, "month"),
    "semiannual": (6, "month"),
    "semi annual": (6, "month"),
    "half yearly": (6, "month"),
    "yearly": (1, "year"),
    "annual": (1, "year"),
    "annually": (1, "year"),
    "biennial": (2, "year"),
    "triennial": (3, "year"),
    "daily": (1, "day"),
    "weekly": (1, "week"),
    "biweekly": (2, "week"),
    "fortnightly": (2, "week"),
    "thirty days": (30, "day"),
    "thirty one days": (31, "day"),
    "sixty days": (60, "day"),
    "ninety days": (90, "day"),
}
_CYCLE = re.compile(
    r"(?:every )?(?P<count>[0-9]{1,4})?[ -]?"
    r"(?P<unit>days?|weeks?|wks?|months?|mos?|quarters?|years?|yrs?)"
    r"|p(?P<iso>[0-9]{1,4})(?P<short>[dwmy])"
)


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    names: Iterable[str] = sorted(available_timezones(), reverse=True)
    return {_zone_key(name): name for name in names if "/" in name or name in ("UTC", "GMT")}


def _zone_key(name: str) -> str:
    return name.casefold().strip().replace(" ", "_")


def _common_currencies() -> tuple[str, ...]:
    return ("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "SGD", "HKD", "INR", "CNY")
