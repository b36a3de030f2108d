"""The one reader of values that come from outside.

Policies, catalogues, scenario files, CSV files, the command line and HTTP all read their values
here. So every value is checked in one way, and every message says the same thing. A reader returns
the value, or raises `Wrong` with what was written and what is allowed. The caller adds the place.

Most readers accept the value as YAML or JSON has typed it. So ``quantity: "3"`` is wrong there,
because text is not a number. A cell of a CSV file or a word of the command line is always text.
For those, `read_whole_text` and `read_flag_text` read a number and a flag.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import NoReturn, TypeVar

from core.domain import calendar, money
from core.domain.fault_places import at, shown
from core.domain.fault_places import whole as is_whole
from core.domain.faults import Fault, Faults

LONGEST_ID = 200
"""Characters of an id: of an account, a subscription, a SKU, a clock, a request."""
LONGEST_TEXT = 1000
"""Characters of a text that is not an id."""
LONGEST_EMAIL = 320
"""Characters of an e-mail address."""
LARGEST_WHOLE = 1_000_000_000
"""The largest whole number, unless the caller says otherwise."""
YEARS = (1900, 2999)
"""The years of a day or an instant, unless the caller says otherwise."""

C = TypeVar("C", bound=StrEnum)
D = TypeVar("D", bound=date)
T = TypeVar("T")

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_POSITION = re.compile(r"[0-9]{1,18}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NUMBER = re.compile(r"\+[0-9]{1,15}")
_FLAGS = {"yes": True, "true": True, "on": True, "1": True}
_FLAGS |= {"no": False, "false": False, "off": False, "0": False}
_NOT_TEXT = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that a text may not have: control characters, surrogates, line separators."""
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of writing. They make a text look like another one."""


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


def read_at(
    place: str, value: object, read: Callable[[object], T], faults: list[Fault]
) -> T | None:
    """What a reader returns. When it raises `Wrong`, the fault of the place joins `faults`."""
    try:
        return read(value)
    except Wrong as error:
        faults.append(Fault(place, str(error)))
        return None


def required(place: str, value: object, read: Callable[[object], T]) -> T:
    """What a reader returns. Raises `Faults` with the place when it raises `Wrong`."""
    try:
        return read(value)
    except Wrong as error:
        raise Faults([Fault(place, str(error))]) from None


def read_utf8(content: bytes, most: int) -> str:
    """The text of a file in UTF-8, with or without a byte order mark, of at most `most` bytes."""
    if len(content) > most:
        wrong(f"has more than {most} bytes; smaller files are allowed")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Wrong("is not UTF-8 text; text in UTF-8 is allowed") from None


def read_text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Text on one line that is not blank and has at most `longest` characters.

    Control characters are wrong, and so is what UTF-8 cannot hold or what turns the direction of
    writing.
    """
    if not isinstance(value, str):
        wrong(f"must be text, not {shown(value)}; write it in quotes")
    if not value.strip():
        wrong("must not be empty")
    if len(value) > longest:
        wrong(f"has {len(value)} characters; at most {longest} are allowed")
    if any(unicodedata.category(character) in _NOT_TEXT for character in value):
        wrong(f"{shown(value)} has control characters or is not UTF-8; text on one line is allowed")
    if not _TURNS_TEXT.isdisjoint(value):
        wrong(f"{shown(value)} turns the direction of writing; text without such marks is allowed")
    return value


def read_id(value: object, longest: int = LONGEST_ID) -> str:
    """The id of an account, a subscription, a SKU, a test clock or a request.

    An id is copied and compared by eye. So it has only characters that can be printed.
    """
    text = read_text(value, longest)
    if not text.isprintable():
        wrong(f"{shown(text)} has characters that cannot be printed; printable text is allowed")
    return text


def read_number(value: object) -> str:
    """A phone number in the form of E.164, such as ``+6561234567``: at most 15 digits."""
    text = read_id(value)
    if not _NUMBER.fullmatch(text):
        wrong(f"{shown(text)} is no phone number; allowed are + and at most 15 digits")
    return text


def read_email(value: object) -> str:
    """An e-mail address, such as ``ann@example.com``. Its domain is returned in small letters."""
    from email_validator import EmailNotValidError, validate_email  # It loads large tables.

    text = read_id(value, LONGEST_EMAIL)
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        wrong(f"must be an e-mail address such as ann@example.com, not {shown(value)}")


def read_whole(value: object, least: int = 0, most: int = LARGEST_WHOLE) -> int:
    """A whole number from `least` to `most`. True, false and text are not numbers."""
    if not is_whole(value) or not least <= value <= most:
        open_ended = most == LARGEST_WHOLE and not (is_whole(value) and value > most)
        allowed = f"of {least} or more" if open_ended else f"from {least} to {most}"
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            allowed += ", without quotes"
        wrong(f"must be a whole number {allowed}, not {shown(value)}")
    return value


def read_whole_text(value: object, least: int = 0, most: int = LARGEST_WHOLE) -> int:
    """A whole number that is written as text: digits, with an optional sign."""
    written = isinstance(value, str) and _WHOLE.fullmatch(value)
    return read_whole(int(str(value)) if written else value, least, most)


def read_position(value: object, allowed: str = "what the last line of a page names") -> int:
    """The position of a line of a list, as text: digits, below 2^62. `allowed`: in words."""
    if not isinstance(value, str) or not _POSITION.fullmatch(value):
        wrong(f"{shown(value)} is not allowed here; allowed is {allowed}")
    return int(value)


def read_flag(value: object) -> bool:
    """True or false. Numbers and text are not flags."""
    if not isinstance(value, bool):
        wrong(f"must be true or false, not {shown(value)}")
    return value


def read_flag_text(value: object) -> bool:
    """A flag that is written as text: yes or no, true or false, on or off, 1 or 0."""
    if not isinstance(value, str) or value.lower() not in _FLAGS:
        wrong(f"must be yes or no, not {shown(value)}")
    return _FLAGS[value.lower()]


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
    written = str(value) if is_whole(value) or isinstance(value, float) else value
    try:
        number = money.parse_amount(written)
    except ValueError:
        number = None
    if number is None or not 0 <= number <= 100:
        wrong(f"must be 0 to 100, not {shown(value)}")
    return number


def read_amounts(document: object, place: str, faults: list[Fault]) -> dict[str, Decimal]:
    """Amounts by currency, such as the prices of a SKU. None of them is negative.

    What is wrong joins `faults`, each with its place inside `place`.
    """
    if not isinstance(document, Mapping):
        example = '{USD: "50.00"}'
        reason = f"must be a mapping of currency to amount such as {example}, not {shown(document)}"
        faults.append(Fault(place, reason))
        return {}
    amounts: dict[str, Decimal] = {}
    for key, value in document.items():
        there = at(place, key)
        currency = read_at(there, key, read_currency, faults)
        amount = None if currency is None else read_at(there, value, read_amount, faults)
        if currency is not None and amount is not None:
            amounts[currency] = amount
    return amounts


def read_currency(value: object) -> str:
    """The ISO 4217 code of a currency in use."""
    if not money.is_currency(value):
        wrong(f"{shown(value)} is not a currency in use; allowed are ISO 4217 codes such as USD")
    return str(value)


def read_zone(value: object) -> str:
    """The name of an IANA time zone (Rule 1.1)."""
    name = value if isinstance(value, str) else shown(value)
    try:
        calendar.zone(name)
    except ValueError as error:
        raise Wrong(str(error)) from None
    return name


def read_day(value: object, years: tuple[int, int] = YEARS) -> date:
    """A local date such as 2021-01-31, in the years from first to last.

    A `date` is accepted too, because some readers of YAML return one. A `datetime` is not.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return _in_range(value.isoformat(), value, years)
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        wrong(f"must be a date such as 2021-01-31, not {shown(value)}")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Wrong(
            f"{value} is not in the calendar; allowed are days such as 2021-01-31"
        ) from None
    return _in_range(value, day, years)


def read_moment(value: object, years: tuple[int, int] = YEARS) -> date | datetime:
    """A local date, or an instant with an offset, which is returned in UTC."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match:
        written, time, offset = match.groups()
        try:
            instant = datetime.fromisoformat(f"{written}T{time}{offset.upper()}").astimezone(UTC)
        except (ValueError, OverflowError):
            reason = "is not in the calendar or on the clock"
            allowed = "allowed are instants such as 2021-01-31T15:30:00Z"
            raise Wrong(f"{shown(value)} {reason}; {allowed}") from None
        return _in_range(str(value), instant, years)
    if isinstance(value, str) and _DATE.fullmatch(value):
        return read_day(value, years)
    wrong(
        "must be a date such as 2021-01-31 or an instant with an offset such as "
        f"2021-01-31T15:30:00+08:00, not {shown(value)}"
    )


def check_instant(value: object, years: tuple[int, int] = YEARS) -> datetime:
    """An instant that a program has made, in UTC. One without an offset is wrong."""
    if not isinstance(value, datetime):
        wrong(f"must be a datetime with a time zone, not {shown(value)}")
    if value.tzinfo is None or value.utcoffset() is None:
        wrong(f"{value.isoformat()} has no time zone; an instant such as {value}+00:00 is allowed")
    try:
        instant = value.astimezone(UTC)
    except OverflowError:
        raise Wrong(f"{value.isoformat()} is not in the calendar of UTC") from None
    return _in_range(value.isoformat(), instant, years)


def read_instant(value: object, zone: str = "UTC", years: tuple[int, int] = YEARS) -> datetime:
    """An instant in UTC. A date means its first instant in `zone` (Rule 1.4)."""
    moment = read_moment(value, years)
    return moment if isinstance(moment, datetime) else calendar.first_instant(moment, zone)


def either(words: Iterable[str]) -> str:
    """The words as a choice, such as ``a, b or c``."""
    several = list(words)
    return " or ".join(filter(None, (", ".join(several[:-1]), several[-1])))


def _in_range(value: str, found: D, years: tuple[int, int]) -> D:
    first, last = years
    if not first <= found.year <= last:
        wrong(f"{value} is out of range; the years {first} to {last} are allowed")
    return found
