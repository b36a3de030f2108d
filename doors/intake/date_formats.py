"""Dates as other systems write them, and the local date that they mean (Rule 1.1).

A mapping says how dates are written, such as ``DD.MM.YYYY`` or ``unix seconds``. What is written
with a time is an instant. It becomes the local date of the account. Cutting the time off would be a
day off for many rows.

Worked example: ``2024-01-31T05:00:00Z`` is 2024-01-31 in Berlin, and 2024-01-30 in Los Angeles.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from core.domain.calendar import local_date, zone
from core.domain.fault_places import shown
from core.domain.inputs import Wrong, read_day, wrong

FIRST_YEAR = 1900
MOST_FORMATS = 5
LONGEST_FORMAT = 40
OF_ACCOUNT = "account"
"""The word for the account's own zone, in which times without an offset may be written."""
PLAIN = "YYYY-MM-DD"
EXAMPLES = (
    "DD.MM.YYYY",
    "MM/DD/YYYY",
    "YYYY-MM-DD hh:mm:ss",
    "YYYY-MM-DDThh:mm:ssZ",
    "unix seconds",
    "unix milliseconds",
    "spreadsheet",
)
"""Formats that a message may name."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    "Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
)
_TOKEN = re.compile(r"YYYY|YY|MMM|MM|M|DD|D|hh|h|mm|ss|AM|Z|T|[^A-Za-z0-9]")
_DIGITS = {"MM": "month", "M": "month", "DD": "day", "D": "day", "hh": "hour", "h": "hour"}
_LITERAL = ("T",)
_WITH_TIME = frozenset({"hh", "h", "mm", "ss", "AM", "Z"})
_OFFSET = r" ?(?P<offset>Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)"
_SHEET_BEGINS = datetime(1899, 12, 30)  # noqa: DTZ001 (a spreadsheet has no zone)
_DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,12})?")
_CENTURY, _PIVOT = 2000, 69

Moment = date | datetime
"""A local date, or an instant in UTC, or a local time without a zone."""


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One way in which dates are written.

    `written`: as the mapping writes it, such as ``DD.MM.YYYY``.
    `has_time`: whether a time of the day stands in it.
    `needs_zone`: whether that time has no offset, so that the mapping must say its zone.
    `find`: a date, an instant or a local time of a text. None when the text is written otherwise.
    """

    written: str
    has_time: bool
    needs_zone: bool
    find: Callable[[str], Moment | None]


@dataclass(frozen=True, slots=True)
class DateFormats:
    """How the dates of a field are written.

    `formats`: the ways, of which the first that fits is taken.
    `zone`: where times without an offset were written: an IANA zone, or `OF_ACCOUNT`. None: the
    mapping does not say.
    """

    formats: tuple[DateFormat, ...]
    zone: str | None = None

    def read(self, text: str, account_zone: str | None) -> date:
        """The local date that a text means in the account's zone. Raises `Wrong`.

        `account_zone`: None when the zone of the row could not be read. An instant is then taken
        for its date in UTC, and the row is faulty anyhow.
        """
        for form in self.formats:
            try:
                found = form.find(text)
            except Wrong:
                raise
            except (ValueError, OverflowError):
                reason = f"is not in the calendar or on the clock, as {form.written}"
                raise Wrong(f"{shown(text)} {reason}; allowed are {self._example}") from None
            if found is not None:
                return self._local(found, account_zone or "UTC")
        hint = hint_of(text, {form.written for form in self.formats})
        return wrong(f"must be a date {self._example}, not {shown(text)}{hint}")

    def order(self, text: str) -> tuple[int, float | str]:
        """What sorts texts by time. Without a format, numbers sort as numbers, others as text.

        Raises `Wrong` for what is written otherwise.
        """
        if [form.written for form in self.formats] == [PLAIN]:
            return (0, float(text)) if _DECIMAL.fullmatch(text) else (1, text)
        for form in self.formats:
            try:
                found = form.find(text)
            except (ValueError, OverflowError):
                found = None
            if isinstance(found, datetime):
                return 0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
            if found is not None:
                return 0, datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()
        return wrong(f"must be a date {self._example}, not {shown(text)}")

    def _local(self, found: Moment, account_zone: str) -> date:
        if not isinstance(found, datetime):
            return read_day(found, (FIRST_YEAR, MAXYEAR))
        if found.tzinfo is None:
            if self.zone is None:
                wrong(
                    "has a time of the day; write zone: with the zone of such times in the mapping"
                )
            if self.zone == OF_ACCOUNT:
                return read_day(found.date(), (FIRST_YEAR, MAXYEAR))
            found = found.replace(tzinfo=ZoneInfo(self.zone))
        try:
            return read_day(local_date(found.astimezone(UTC), account_zone), (FIRST_YEAR, MAXYEAR))
        except OverflowError:
            return wrong("lies outside the calendar")

    @property
    def _example(self) -> str:
        names = [form.written for form in self.formats]
        if names == [PLAIN]:
            return "such as 2021-01-31"
        return "written as " + " or ".join(names)


def plain_dates() -> DateFormats:
    """Dates such as 2021-01-31, as they are written without a mapping."""
    return DateFormats((_plain(),))


def read_formats(written: object) -> tuple[DateFormat, ...]:
    """The formats that a mapping names: one, or a list of up to five. Raises `Wrong`."""
    names = written if isinstance(written, list) else [written]
    if not 0 < len(names) <= MOST_FORMATS:
        wrong(f"names {len(names)} formats; allowed are 1 to {MOST_FORMATS}")
    formats = tuple(read_format(name) for name in names)
    texts = [_order(form.written) for form in formats]
    if len(set(texts)) < len(texts):
        wrong(f"{shown(names)} cannot be told apart; a date such as 01/02/2024 would fit both")
    return formats


def read_format(written: object) -> DateFormat:
    """One format of dates, such as ``DD.MM.YYYY``. Raises `Wrong`."""
    if not isinstance(written, str) or not 0 < len(written) <= LONGEST_FORMAT:
        wrong(f"{shown(written)} is no format of dates; {_allowed()}")
    if written in _NAMED:
        return DateFormat(written, written.startswith("unix"), False, _NAMED[written])
    if written == PLAIN:
        return _plain()
    tokens = _TOKEN.findall(written)
    if "".join(tokens) != written:
        odd = next(iter(re.findall(r"[A-Za-z0-9]+", _TOKEN.sub(" ", written))), written)
        wrong(f"{shown(written)} has {shown(odd)}, which means nothing here; {_allowed()}")
    used = [token for token in tokens if token.isalpha() and token not in _LITERAL]
    kinds = [{"YY": "YYYY", "MMM": "M", "MM": "M", "DD": "D", "hh": "h"}.get(t, t) for t in used]
    if {"YYYY", "M", "D"} - set(kinds) or len(set(kinds)) < len(kinds):
        wrong(f"{shown(written)} must have year, month and day, each once; {_allowed()}")
    if {"mm", "ss", "AM", "Z"} & set(kinds) and "h" not in kinds:
        wrong(f"{shown(written)} has a time without its hour; {_allowed()}")
    pattern = re.compile("".join(_pattern(tokens, at) for at in range(len(tokens))), re.IGNORECASE)
    has_time = not _WITH_TIME.isdisjoint(used)
    return DateFormat(
        written, has_time, has_time and "Z" not in used, lambda text: _find(pattern, text)
    )


def shapes_of(text: str) -> list[str]:
    """The formats, as a mapping writes them, in which a text may be a date. Likely ones first."""
    found = [form.written for form in _KNOWN if _fits(form, text)]
    if not found and _DECIMAL.fullmatch(text):
        whole = len(text.partition(".")[0])
        found = [name for name, digits in _LENGTHS.items() if whole in digits]
    return found


def hint_of(text: str, but: set[str]) -> str:
    """What a message says about a date that is written in another way. Empty if unknown."""
    shapes = [shape for shape in shapes_of(text) if shape not in but]
    if not shapes:
        return ""
    words = " or ".join(f'date: "{shape}"' for shape in shapes[:3])
    needs = ", together with zone:" if read_format(shapes[0]).needs_zone else ""
    return f"; in a mapping, {words} reads it{needs}"


def _order(written: str) -> str:
    """A format with day and month made alike. Formats that are equal then cannot be told apart."""
    return re.sub(r"MM|M(?!M)|DD?", "n", written.replace("MMM", "mon"))


def _plain() -> DateFormat:
    return DateFormat(PLAIN, False, False, _find_plain)


def _find_plain(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    return read_day(text, (FIRST_YEAR, MAXYEAR))


def _pattern(tokens: Sequence[str], at: int) -> str:
    token = tokens[at]
    beside = [tokens[i] for i in (at - 1, at + 1) if 0 <= i < len(tokens)]
    alone = all(not it.isalpha() or it in ("T", "AM") for it in beside)
    if token in _DIGITS:
        return f"(?P<{_DIGITS[token]}>[0-9]{{{'1,2' if alone else '2'}}})"
    return {
        "YYYY": "(?P<year>[0-9]{4})",
        "YY": "(?P<short>[0-9]{2})",
        "MMM": f"(?P<name>{_MONTH})",
        "mm": "(?P<minute>[0-9]{2})",
        "ss": "(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?",
        "AM": r"(?P<half>[AP]\.?M\.?)",
        "Z": _OFFSET,
        " ": " +",
    }.get(token, re.escape(token))


def _find(pattern: re.Pattern[str], text: str) -> Moment | None:
    match = pattern.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    year = int(part["year"]) if part.get("year") else _year(int(part["short"]))
    month = int(part["month"]) if part.get("month") else _named_month(part["name"])
    day = date(year, month, int(part["day"]))
    if not part.get("hour"):
        return day
    hour = _hour(int(part["hour"]), part.get("half"))
    when = datetime.combine(day, time(hour, int(part.get("minute") or 0)))
    when += timedelta(seconds=_second(part.get("second")))
    offset = part.get("offset")
    return when if offset is None else when.replace(tzinfo=_offset(offset)).astimezone(UTC)


def _year(short: int) -> int:
    return _CENTURY + short if short < _PIVOT else _CENTURY - 100 + short


def _named_month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _second(text: str | None) -> int:
    second = int(text or 0)
    if second > 59:
        raise ValueError("a minute has 60 seconds")
    return second


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("an hour before AM or PM is from 1 to 12")
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _offset(text: str) -> timezone:
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if text[0] == "-" else size)


def _counts(text: str, name: str) -> bool:
    """Whether a number has as many digits as such a date has today.

    So a list of such formats is not ambiguous, and a 0 that stands for none is no day in 1970.
    """
    return bool(_DECIMAL.fullmatch(text)) and len(text.partition(".")[0]) in _LENGTHS[name]


def _unix(text: str, per_second: int) -> Moment | None:
    if not _counts(text, "unix seconds" if per_second == 1 else "unix milliseconds"):
        return None
    return datetime.fromtimestamp(float(text) / per_second, UTC)


def _spreadsheet(text: str) -> Moment | None:
    if not _counts(text, "spreadsheet"):
        return None
    when = _SHEET_BEGINS + timedelta(days=float(text))
    return when if "." in text and when.time() != datetime.min.time() else when.date()


_NAMED: dict[str, Callable[[str], Moment | None]] = {
    "unix seconds": lambda text: _unix(text, 1),
    "unix milliseconds": lambda text: _unix(text, 1000),
    "spreadsheet": _spreadsheet,
}
_LENGTHS = {"unix seconds": (9, 10), "unix milliseconds": (12, 13), "spreadsheet": (5,)}
_DAYS = ("DD.MM.YYYY", "MM/DD/YYYY", "DD/MM/YYYY", "YYYY/MM/DD", "YYYY.MM.DD", "DD-MM-YYYY")
_KNOWN = [
    read_format(day + time)
    for day in (PLAIN, *_DAYS, "D MMM YYYY", "MMM D, YYYY", "D-MMM-YYYY", "DD.MM.YY", "MM/DD/YY")
    for time in ("", " hh:mm", " hh:mm:ss", "Thh:mm:ss", "Thh:mm:ssZ", " hh:mm:ssZ", " h:mm AM")
]
_KNOWN.append(read_format("YYYYMMDD"))


def _fits(form: DateFormat, text: str) -> bool:
    try:
        return form.find(text) is not None
    except (ValueError, OverflowError):
        return False


def _allowed() -> str:
    return f"allowed are {', '.join((PLAIN, *EXAMPLES))} and the like"


def read_zone_of_times(written: object) -> str:
    """The zone of times without an offset: an IANA zone, or `account`. Raises `Wrong`."""
    if written == OF_ACCOUNT:
        return OF_ACCOUNT
    if not isinstance(written, str):
        wrong(f"{shown(written)} is no zone; allowed are names such as UTC, or {OF_ACCOUNT}")
    try:
        zone(written)
    except ValueError as error:
        raise Wrong(f"{error}, or {OF_ACCOUNT} for the account's own zone") from None
    return written
