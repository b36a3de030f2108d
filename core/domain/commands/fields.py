"""The kinds of fields that commands have: what a value may be, how it is read, and a line of help.

A command declares a field as `Annotated[type, kind]`. Two functions of a kind judge a value:

* `read` takes a value from outside (a file, the command line, HTTP) and returns the field's value.
* `check` refuses what can never be a value of the field, wherever the command is made. The use
  case judges limits of the business (501 licences, a top-up of zero), and refuses with a rule.

Both raise `core.domain.inputs.Wrong`. The JSON schema of a field has its help and its bounds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.domain import inputs, money
from core.domain.catalog import SkuKind
from core.domain.fault_places import shown
from core.domain.fault_places import whole as is_whole
from core.domain.inputs import LARGEST_WHOLE, LONGEST_EMAIL, LONGEST_ID, LONGEST_TEXT, Sign
from core.domain.numbers import HoldKind, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldKind:
    """What all kinds share. `in_scenario` is False for a field that scenario files do not have."""

    help: str
    in_scenario: bool = True

    def read(self, value: object) -> Any:
        """The field's value, read from outside. Raises `Wrong`."""
        raise NotImplementedError

    def check(self, value: object) -> None:
        """Refuse what can never be a value of the field. Raises `Wrong`."""
        self.read(value)

    def bounds(self) -> dict[str, Any]:
        """The bounds, as keywords of JSON schema."""
        return {}

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The JSON schema of a field: that of its type, with the help and the bounds."""
        schema: dict[str, Any] = handler(core_schema)
        return {**schema, "description": self.help, **self.bounds()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id(FieldKind):
    """An id: 1 to 200 characters, not blank, without control characters."""

    def read(self, value: object) -> str:
        """Text on one line, as it is."""
        return inputs.read_id(value)

    def bounds(self) -> dict[str, Any]:
        """At least one character, at most 200."""
        return {"minLength": 1, "maxLength": LONGEST_ID}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountId(_Id):
    """The id of an account."""

    help: str = "The id of the account."


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionId(_Id):
    """The id of a subscription. `new` is True where the command makes the subscription."""

    help: str = "The id of the subscription."
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestId(_Id):
    """The caller's idempotency key (Rule 4.2)."""

    help: str = "The idempotency key. A command repeated with the same key runs only once."
    in_scenario: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(_Id):
    """A name that is kept as it is, such as who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku(_Id):
    """A SKU of the catalogue that is of one of the `kinds`."""

    kinds: tuple[SkuKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantities(FieldKind):
    """Quantities by SKU, such as add-ons. The SKUs are of one of the `kinds`."""

    kinds: tuple[SkuKind, ...]

    def read(self, value: object) -> dict[str, int]:
        """A mapping of SKU to a whole number of 1 or more."""
        return {
            inputs.read_id(sku): inputs.read_whole(quantity, 1) for sku, quantity in _pairs(value)
        }

    def check(self, value: object) -> None:
        """Refuse what is no mapping of SKU to whole number."""
        for sku, quantity in _pairs(value):
            inputs.read_id(sku)
            _check_whole(quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber(FieldKind):
    """A phone number: + and at most 15 digits (Rule 10)."""

    def read(self, value: object) -> str:
        """A number such as ``+6561234567``."""
        return inputs.read_number(value)

    def bounds(self) -> dict[str, Any]:
        """A plus sign and digits."""
        return {"pattern": r"^\+[0-9]{1,15}$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers(FieldKind):
    """Phone numbers, each once, with its SKU and how the customer comes by it (Rule 10)."""

    def read(self, value: object) -> tuple[Wanted, ...]:
        """A list of {number, sku, hold}. `hold` may be left out."""
        if not isinstance(value, list | tuple):
            inputs.wrong(f"must be a list of {{number, sku, hold}}, not {shown(value)}")
        numbers = tuple(self._wanted(entry) for entry in value)
        self.check(numbers)
        return numbers

    def check(self, value: object) -> None:
        """Refuse what is no tuple of `Wanted`, and a number that stands in it twice."""
        if not isinstance(value, tuple):
            inputs.wrong(f"must be a tuple of Wanted, not {shown(value)}")
        seen: set[str] = set()
        for wanted in value:
            if not isinstance(wanted, Wanted):
                inputs.wrong(f"must be a Wanted, not {shown(wanted)}")
            number = inputs.read_number(wanted.number)
            inputs.read_id(wanted.sku)
            if not isinstance(wanted.hold, HoldKind):
                inputs.wrong(f"must be a HoldKind, not {shown(wanted.hold)}")
            if number in seen:
                inputs.wrong(f"{number} stands here twice; once is allowed")
            seen.add(number)

    def _wanted(self, entry: object) -> Wanted:
        if isinstance(entry, Wanted):
            return entry
        if not isinstance(entry, dict) or not {"number", "sku"} <= entry.keys() <= _OF_NUMBER:
            inputs.wrong(f"must be a mapping of number, sku and hold, not {shown(entry)}")
        return Wanted(
            number=inputs.read_number(entry["number"]),
            sku=inputs.read_id(entry["sku"]),
            hold=HoldKind(inputs.read_choice(entry.get("hold", HoldKind.NORMAL.value), HoldKind)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount(FieldKind):
    """An amount of money in the account's currency, with a sign (Rule 3.2)."""

    sign: Sign

    def read(self, value: object) -> Decimal:
        """An amount as text, such as "50.00"."""
        return inputs.read_amount(value, self.sign)

    def check(self, value: object) -> None:
        """Refuse what is no finite `Decimal` below 10^12. The use case judges sign and decimals."""
        if not isinstance(value, Decimal):
            inputs.wrong(f"must be a Decimal, not {shown(value)}")
        if not value.is_finite():
            inputs.wrong(f"{value} is not an amount: an amount is finite")
        if abs(value) >= money.LARGEST:
            inputs.wrong(f"{value:f} is too large; an amount is below 10^{money.MOST_DIGITS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent(FieldKind):
    """A number from 0 to 100 with at most 5 decimals (Rule 3.6)."""

    def read(self, value: object) -> Decimal:
        """A percentage as text or as a number, such as "12.5"."""
        return inputs.read_percent(value)

    def check(self, value: object) -> None:
        """Refuse what is no `Decimal` from 0 to 100."""
        if not isinstance(value, Decimal) or not value.is_finite():
            inputs.wrong(f"must be a Decimal, not {shown(value)}")
        if not 0 <= value <= 100 or not money.is_amount(value):
            inputs.wrong(f"must be 0 to 100 with at most 5 decimals, not {value:f}")

    def bounds(self) -> dict[str, Any]:
        """From 0 to 100."""
        return {"minimum": 0, "maximum": 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(FieldKind):
    """A whole number from `least` to `most`."""

    least: int
    most: int = LARGEST_WHOLE

    def read(self, value: object) -> int:
        """A whole number within the bounds."""
        return inputs.read_whole(value, self.least, self.most)

    def check(self, value: object) -> None:
        """Refuse what is no whole number, or lies beyond 10^9 either way."""
        _check_whole(value)

    def bounds(self) -> dict[str, Any]:
        """The least and the largest number."""
        return {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(FieldKind):
    """Text on one line, of at most `longest` characters."""

    longest: int = LONGEST_TEXT

    def read(self, value: object) -> str:
        """Text that is not blank."""
        return inputs.read_text(value, self.longest)

    def check(self, value: object) -> None:
        """Refuse what is no text on one line. A blank one is refused by the use case, if at all."""
        if not isinstance(value, str) or value.strip():
            self.read(value)
        elif len(value) > self.longest or not value.isprintable():
            inputs.wrong(f"{shown(value)} is not text on one line")

    def bounds(self) -> dict[str, Any]:
        """The most characters."""
        return {"maxLength": self.longest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Email(FieldKind):
    """The e-mail address of a person."""

    def read(self, value: object) -> str:
        """An address such as ann@example.com."""
        return inputs.read_email(value)

    def check(self, value: object) -> None:
        """Refuse what is no text on one line. The use case refuses what is no address.

        Workflows read commands again when they are replayed, so this must never become stricter.
        """
        inputs.read_id(value, LONGEST_EMAIL)

    def bounds(self) -> dict[str, Any]:
        """The most characters."""
        return {"maxLength": LONGEST_EMAIL, "format": "email"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNumber(Text):
    """The number of an external invoice (Rule 11.4)."""

    help: str = "The number of an external invoice that pays it (rule 11.4)."
    longest: int = LONGEST_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class CardToken(_Id):
    """The token by which the card gateway knows a card. It is never a card number."""

    help: str = "The gateway's token of the card. None removes the card."


@dataclass(frozen=True, slots=True, kw_only=True)
class Day(FieldKind):
    """A local date of the account (Rule 1.1)."""

    def read(self, value: object) -> date:
        """A date such as 2021-01-31. The last year is that of the calendar, not of this century."""
        return inputs.read_day(value, (1900, 9999))

    def check(self, value: object) -> None:
        """Refuse what is no date. An instant is not a date either."""
        if not isinstance(value, date) or isinstance(value, datetime):
            inputs.wrong(f"must be a date, not {shown(value)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(FieldKind):
    """True or False."""

    def read(self, value: object) -> bool:
        """True or False."""
        return inputs.read_flag(value)

    def check(self, value: object) -> None:
        """Refuse what is neither True nor False."""
        if not isinstance(value, bool):
            inputs.wrong(f"must be true or false, not {shown(value)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(FieldKind):
    """One of the values of an enumeration."""

    choices: type[StrEnum]

    def read(self, value: object) -> StrEnum:
        """The member whose value it is."""
        return inputs.read_choice(value, self.choices)

    def check(self, value: object) -> None:
        """Refuse what is no member."""
        if not isinstance(value, self.choices):
            allowed = inputs.either(choice.value for choice in self.choices)
            inputs.wrong(f"must be a {self.choices.__name__} ({allowed}), not {shown(value)}")


_OF_NUMBER = {"number", "sku", "hold"}

AnyKind = (
    AccountId
    | SubscriptionId
    | RequestId
    | Name
    | Sku
    | Quantities
    | PhoneNumber
    | Numbers
    | Amount
    | Percent
    | Whole
    | Text
    | Email
    | CardToken
    | Day
    | Flag
    | Choice
)


def _check_whole(value: object) -> None:
    if not is_whole(value):
        inputs.wrong(f"must be a whole number, not {shown(value)}")
    if abs(value) > LARGEST_WHOLE:
        inputs.wrong(f"{shown(value)} is beyond {LARGEST_WHOLE}")


def _pairs(value: object) -> Iterator[tuple[object, object]]:
    if not isinstance(value, dict):
        inputs.wrong(f"must be a mapping of SKU to quantity, not {shown(value)}")
    yield from value.items()
