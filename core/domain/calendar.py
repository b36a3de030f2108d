"""Local dates, instants and months.

This module computes the instant at which a local date begins (Rule 1.4). It also computes the day
that is a number of months after an anchor (Rule 1.3). It knows no subscription and reads no clock.

Worked example: the anchor is 2023-01-31. After one paid month the last paid day is 2023-02-27:
2023-02-28 (the 31st clamped to the month's length) − 1 day. After two paid months it is 2023-03-30:
2023-03-31 − 1 day. The months are always counted from the anchor, so nothing drifts.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)
#: Only instants after 22:00 can fall on a repeated date. Earlier ones skip the zone look-up.
_LATE_EVENING = 22

#: Names in the time zone database that depend on the machine and name no place.
_NOT_A_PLACE = frozenset({"localtime", "posixrules", "Factory"})
_ALLOWED = "names such as Asia/Singapore or UTC"


class UnknownZone(ValueError):
    """The text is not the name of an IANA time zone."""


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_A_PLACE


@lru_cache(maxsize=1024)
def _load(name: str) -> ZoneInfo:
    if name not in _names():
        raise UnknownZone(f"{name[:60]!r} is not an IANA time zone; allowed are {_ALLOWED}")
    return ZoneInfo(name)


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as ``Asia/Singapore`` (Rule 1.1).

    The name must be spelled as in the time zone database. Raises UnknownZone for anything else:
    paths, offsets, other spellings, and values that are not text.
    """
    if not isinstance(name, str):
        raise UnknownZone(
            f"a {type(name).__name__} is not an IANA time zone; allowed are {_ALLOWED}"
        )
    return _load(name)


@lru_cache(maxsize=65536)
def first_instant(day: date, zone_name: str) -> datetime:
    """The instant in UTC at which the local date `day` begins in the zone (Rule 1.4).

    It is not always 00:00. In Havana 2024-03-10 begins at 01:00 local time, 05:00Z. A date that is
    entered twice counts from the first time. A date that does not exist (Apia, 2011-12-30) begins
    at the first instant after it. Raises UnknownZone, and OverflowError at the edge of year 1.
    """
    there = zone(zone_name)
    midnight = datetime.combine(day, time(), there)  # fold=0: the first of two midnights
    instant = midnight.astimezone(UTC)
    if instant.astimezone(there).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # The clock jumps over this midnight, so the day begins at the jump.
    # With the offset that holds after the jump, midnight lies before it.
    return _jump(day, there, before=midnight.replace(fold=1).astimezone(UTC), after=instant)


def _jump(day: date, there: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first whole second after `before` whose local date is `day` or later.

    The local date of `before` is earlier than `day`. That of `after` is not.
    """
    low, high = 0, int((after - before) / _ONE_SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if (before + middle * _ONE_SECOND).astimezone(there).date() < day:
            low = middle
        else:
            high = middle
    return before + high * _ONE_SECOND


def local_time(instant: datetime, zone_name: str) -> datetime:
    """The instant as an aware datetime in the zone.

    Raises UnknownZone, and ValueError for an instant without an offset.
    """
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no offset: an instant must be aware")
    return instant.astimezone(zone(zone_name))


def local_date(instant: datetime, zone_name: str) -> date:
    """The local date on which the instant lies in the zone (Rule 1.1).

    A date that is entered twice counts from the first time (Rule 1.4). Where a clock goes back over
    midnight (St. John's until 2011), the new day has begun and stays. Raises like `local_time`.
    """
    there = local_time(instant, zone_name)
    day = there.date()
    if there.hour < _LATE_EVENING:
        return day
    tomorrow = day + timedelta(days=1)
    return tomorrow if first_instant(tomorrow, zone_name) <= instant else day


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or earlier if `months` is negative.

    It is clamped to the month's length: 01-31 + 1 → 02-28 or 02-29. Raises OverflowError outside
    the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(
            f"{day.isoformat()} and {months} months lies outside the years 1 to 9999"
        )
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_paid_day(anchor: date, months: int) -> date:
    """*E*, the last paid day after `months` paid months since the anchor (Rule 1.3).

    It is ``(A + M months, clamped) − 1 day``. Raises OverflowError outside the years 1 to 9999.
    """
    return add_months(anchor, months) - _ONE_DAY


def day_in_words(day: date) -> str:
    """A day for a person, such as ``31 January 2021``."""
    return f"{day.day} {day:%B} {day.year}"
