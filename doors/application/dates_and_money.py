"""How dates, durations and amounts of money are written for a person."""

import re
from datetime import date, datetime
from decimal import Decimal

from core.domain.calendar import day_in_words, local_time
from core.domain.counted import counted
from core.domain.money import in_words

_DAY = re.compile(r"(?<![\w:/.-])\d{4}-\d{2}-\d{2}(?![\w:/-])")


def day(value: date | None) -> str:
    """Return ``31 January 2021``, or a dash for None."""
    return "–" if value is None else day_in_words(value)


def moment(at: datetime, zone: str) -> str:
    """Return ``31 January 2021, 08:00`` in the time zone of the account."""
    local = local_time(at, zone)
    return f"{day(local.date())}, {local:%H:%M}"


def duration(seconds: float) -> str:
    """Return it in the unit that fits: ``1 second``, ``40 seconds``, ``2 minutes``, ``14 hours``.

    At least a second.
    """
    for size, unit in ((3600, "hour"), (60, "minute")):
        if round(seconds) >= 2 * size:
            return counted(round(seconds / size), unit)
    return counted(max(1, round(seconds)), "second")


def days_in_words(text: str) -> str:
    """A sentence whose days, such as 2021-01-31, are written as ``31 January 2021``.

    A day that is a part of an id stays as it is.
    """
    return _DAY.sub(_day_in_words, text)


def _day_in_words(found: re.Match[str]) -> str:
    try:
        return day_in_words(date.fromisoformat(found[0]))
    except ValueError:  # It is no day, such as 2021-02-30.
        return found[0]


def money(amount: Decimal | None, currency: str) -> str:
    """Return ``$1,200.00``, or a dash for None."""
    return "–" if amount is None else in_words(amount, currency)


def signed(amount: Decimal | None, currency: str) -> str:
    """Return ``+$50.00`` or ``-$50.00``, or an empty text for None."""
    return "" if amount is None else ("+" if amount > 0 else "") + in_words(amount, currency)


def cycle(months: int) -> str:
    """Return ``1 month`` or ``12 months``."""
    return "1 month" if months == 1 else f"{months} months"
