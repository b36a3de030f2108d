"""Numbers, dates and amounts as the browser of a visitor asks for. The words are in English.

In English they are as in every sentence of Perennial: 31 Jan 2021, $1,200.00. A browser that
asks for another language gets those of this language, such as 31.01.2021 and 1.200,00 $.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from core.documents.formats import Formats
from doors.application import dates_and_money

_LONGEST = 200
_ENGLISH = "en"
_MARKS = {0x200E: None, 0x200F: None, 0x061C: None}
"""The marks of direction in a text, for `str.translate`."""


class English:
    """How Perennial writes."""

    def money(self, amount: Decimal, currency: str) -> str:
        """Such as ``$1,200.00``."""
        return dates_and_money.money(amount, currency)

    def number(self, value: int | Decimal) -> str:
        """Such as ``1,234`` or ``19.5``, without zeros at the end of its decimals."""
        return f"{value:,}" if isinstance(value, int) else f"{value.normalize():,f}"

    def long_date(self, day: date) -> str:
        """Such as ``31 January 2021``."""
        return dates_and_money.day(day)

    def short_date(self, day: date) -> str:
        """Such as ``31 Jan 2021``."""
        return f"{day.day} {day:%b} {day.year}"


class Foreign:
    """How a language writes, without the marks of direction that it may have.

    They are for a line that runs from right to left. Each amount and date of a page stands by
    itself, so there they would turn its parts around.
    """

    def __init__(self, locale: Locale) -> None:
        self._formats = Formats(locale)

    def money(self, amount: Decimal, currency: str) -> str:
        """Such as ``1.200,00 $``."""
        return self._formats.money(amount, currency).translate(_MARKS)

    def number(self, value: int | Decimal) -> str:
        """Such as ``1.234``."""
        return self._formats.number(value).translate(_MARKS)

    def long_date(self, day: date) -> str:
        """Such as ``31. Januar 2021``."""
        return self._formats.long_date(day).translate(_MARKS)

    def short_date(self, day: date) -> str:
        """Such as ``31.01.2021``."""
        return self._formats.short_date(day).translate(_MARKS)


_USUAL = English()
_NOW: ContextVar[English | Foreign] = ContextVar("formats", default=_USUAL)


def formats() -> English | Foreign:
    """Those of the page that is being made."""
    return _NOW.get()


@contextmanager
def asked_for(header: str) -> Iterator[None]:
    """Make a page with the formats of a header Accept-Language."""
    token = _NOW.set(_formats_of(header[:_LONGEST]))
    try:
        yield
    finally:
        _NOW.reset(token)


@lru_cache(maxsize=256)
def _formats_of(header: str) -> English | Foreign:
    """Those of the first language of a header that is known. English for none."""
    wanted = []
    for place, part in enumerate(header.split(",")):
        name, _, quality = part.partition(";")
        wanted.append((-_weight(quality), place, name.strip()))
    for weight, _, name in sorted(wanted):
        if not weight:
            continue
        try:
            locale = Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        return _USUAL if locale.language == _ENGLISH else Foreign(locale)
    return _USUAL


def _weight(quality: str) -> float:
    """The weight of ``q=0.8``: from 0 to 1."""
    name, _, value = quality.strip().partition("=")
    try:
        return min(1.0, max(0.0, float(value))) if name == "q" else 1.0
    except ValueError:
        return 0.0
