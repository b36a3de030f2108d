"""The shapes of accounts and steps: which keys there are, which may be left out, and what each may hold.

Owns what can be judged of one value, or of one step's values together, without knowing the steps around it. The two tables at the
end are the tables of docs/scenario.md; a ``?`` marks a key that may be left out. What depends on state, money or dates is no
fault here: it is refused when the scenario is played (501 licences too, Rule 3.3).
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.domain import calendar, money
from core.domain.catalog import PRIMARY, Kind
from core.domain.faults import Fault
from core.domain.places import shown
from core.domain.places import whole as is_whole
from doors.simulation.document import place

Path = tuple[str | int, ...]
Reasons = list[tuple[Path, str]]

LONGEST_ID = 200
LONGEST_TEXT = 2_000
YEARS = (1900, 2999)
"""Of the steps: far enough from the ends of the calendar for every date that is counted from them."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?([Zz]|[+-]\d{2}(?::?\d{2})?)",
    re.ASCII,
)


@dataclass(slots=True)
class Names:
    """What the names in a step may refer to: the file's SKUs (kind none: not known, its catalogue entry has a fault), accounts, and
    the subscriptions that earlier steps introduced with the account that owns them by the steps so far."""

    kinds: Mapping[str, Kind | None]
    accounts: Mapping[str, str | None]
    """The zone of each account, none where it has a fault."""
    owners: dict[str, str | None] = field(default_factory=dict)


class WrongError(ValueError):
    """What is wrong with a value and what is allowed; inside a value, each with where it stands there."""

    def __init__(self, *reasons: str | tuple[Path, str]) -> None:
        self.reasons: Reasons = [
            ((), reason) if isinstance(reason, str) else reason for reason in reasons
        ]
        super().__init__(*reasons)


Check = Callable[[Names, Any], Any]


def text(longest: int) -> Check:
    """Text for a person or a name: not blank, no control characters."""

    def check(_: Names, value: Any) -> str:
        if not isinstance(value, str):
            raise WrongError(f"must be text, not {shown(value)}; write it in quotes")
        if not value.strip():
            raise WrongError("must not be empty")
        if len(value) > longest:
            raise WrongError(f"has {len(value)} characters; at most {longest} are allowed")
        if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
            raise WrongError(f"{shown(value)} has control characters; text on one line is allowed")
        return value

    return check


def whole(least: int) -> Check:
    """A whole number of `least` or more."""

    def check(_: Names, value: Any) -> int:
        if not is_whole(value) or value < least:
            raise WrongError(f"must be a whole number of {least} or more, not {shown(value)}")
        return value

    return check


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(_: Names, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise WrongError(f"must be {_or(allowed)}, not {shown(value)}")
        return value

    return check


def flag(_: Names, value: Any) -> bool:
    """True or false, not in quotes."""
    if not isinstance(value, bool):
        raise WrongError(f"must be true or false, not {shown(value)}")
    return value


def _amount(value: Any, allowed: Callable[[Decimal], bool], rule: str) -> Decimal:
    try:
        amount = money.parse_amount(value)
    except ValueError as error:
        raise WrongError(str(error)) from error
    if not allowed(amount):
        raise WrongError(f"must be {rule}, not {shown(value)}")
    return amount


def positive_amount(_: Names, value: Any) -> Decimal:
    """An amount above zero, in quotes."""
    return _amount(value, lambda amount: amount > 0, "above zero")


def amount_or_zero(_: Names, value: Any) -> Decimal:
    """An amount of zero or more, in quotes."""
    return _amount(value, lambda amount: amount >= 0, "zero or more")


def signed_amount(_: Names, value: Any) -> Decimal:
    """An amount with a sign, in quotes, not zero."""
    return _amount(value, lambda amount: amount != 0, "above or below zero")


def percent(_: Names, value: Any) -> Decimal:
    """0 to 100, as a number or in quotes (Rule 3.6)."""
    try:
        number = money.parse_amount(
            str(value) if is_whole(value) or isinstance(value, float) else value
        )
    except ValueError:
        number = Decimal(-1)
    if not 0 <= number <= 100:
        raise WrongError(f"must be 0 to 100, not {shown(value)}")
    return number


def currency(_: Names, value: Any) -> str:
    """The code of a currency in use."""
    if not money.is_currency(value):
        raise WrongError(
            f"{shown(value)} is not a currency; allowed are ISO 4217 codes such as USD"
        )
    return str(value)


def zone(_: Names, value: Any) -> str:
    """The name of an IANA time zone (Rule 1.1)."""
    try:
        calendar.zone(value)
    except ValueError as error:
        raise WrongError(str(error)) from error
    return str(value)


def day(_: Names, value: Any) -> date:
    """A local date such as 2020-11-16."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise WrongError(f"must be a date such as 2020-11-16, not {shown(value)}")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise WrongError(f"{value} is not in the calendar: {error}") from error


def when(names: Names, value: Any) -> date | datetime:
    """A local date, or an instant with an offset (answered in UTC), in the years of a scenario."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    found: date | datetime = _instant(*match.groups()) if match else _day(names, value)
    first, last = YEARS
    if not first <= found.year <= last:
        raise WrongError(f"{value} is out of range; the years {first} to {last} are allowed")
    return found


def _instant(written_day: str, time: str, offset: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{written_day}T{time}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WrongError(f"{written_day} {time}{offset} is no instant: {error}") from error


def _day(names: Names, value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return day(names, value)
    raise WrongError(
        f"must be a date such as 2020-11-16, or an instant with an offset such as 2020-11-16T15:30:00+08:00, not {shown(value)}"
    )


def sku_of(*kinds: Kind) -> Check:
    """A SKU of the catalogue that is of one of the kinds."""

    def check(names: Names, value: Any) -> str:
        if not isinstance(value, str) or value not in names.kinds:
            raise WrongError(f"{shown(value)} is not in the catalog; {_allowed(names.kinds)}")
        kind = names.kinds[value]
        if kind is not None and kind not in kinds:
            raise WrongError(
                f"{shown(value)} is of kind {kind}; a SKU of kind {_or([k.value for k in Kind if k in kinds])} is allowed here"
            )
        return value

    return check


def account(names: Names, value: Any) -> str:
    """The id of one of the file's accounts."""
    if not isinstance(value, str) or value not in names.accounts:
        raise WrongError(
            f"{shown(value)} is not an account of this file; {_allowed(names.accounts)}"
        )
    return value


def introduced(names: Names, value: Any) -> str:
    """The id of a subscription that an earlier purchase or trial introduced."""
    if not isinstance(value, str) or value not in names.owners:
        raise WrongError(
            f"no earlier purchase or trial has the id {shown(value)}; {_allowed(names.owners)}"
        )
    return value


def addons(names: Names, value: Any) -> dict[str, int]:
    """Quantities by SKU."""
    if not isinstance(value, dict):
        raise WrongError(f"must be a mapping of SKU to quantity, not {shown(value)}")
    wrong: Reasons = []
    for sku, quantity in value.items():
        for check, judged in ((sku_of(Kind.ADDON), sku), (whole(1), quantity)):
            wrong += _reasons(check, names, judged, (sku,))
    if wrong:
        raise WrongError(*wrong)
    return dict(value)


def numbers(names: Names, value: Any) -> tuple[dict[str, str], ...]:
    """Phone numbers with their SKU and, if they are not `normal`, their hold; each number once."""
    if not isinstance(value, list):
        raise WrongError(f"must be a list of {{number, sku, hold?}}, not {shown(value)}")
    read = [keys(names, entry, NUMBER, (index,)) for index, entry in enumerate(value)]
    wrong = [reason for _, reasons in read for reason in reasons]
    seen: set[str] = set()
    for index, (values, _) in enumerate(read):
        if (number := values.get("number")) in seen:
            wrong.append(
                (
                    (index, "number"),
                    f"{shown(number)} stands in this purchase twice; once is allowed",
                )
            )
        seen |= {number} if number else set()
    if wrong:
        raise WrongError(*wrong)
    return tuple(values for values, _ in read)


def keys(
    names: Names, document: Any, shape: Mapping[str, Check], path: Path
) -> tuple[dict[str, Any], Reasons]:
    """The valid values of a mapping by its shape, and what is wrong with the others: unknown keys, missing keys, values."""
    if not isinstance(document, dict):
        return {}, [(path, f"must be a mapping, not {shown(document)}")]
    known = {key.rstrip("?"): check for key, check in shape.items()}
    values: dict[str, Any] = {}
    wrong: Reasons = []
    for key, value in document.items():
        if key not in known:
            wrong.append(((*path, key), f"unknown key; {_allowed(known)}"))
            continue
        try:
            values[key] = known[key](names, value)
        except WrongError as error:
            wrong += [((*path, key, *rest), reason) for rest, reason in error.reasons]
    wrong += [
        ((*path, key), "is missing")
        for key in shape
        if not key.endswith("?") and key not in document
    ]
    return values, wrong


def faults(wrong: Reasons) -> list[Fault]:
    """What is wrong, as faults with their places."""
    return [Fault(place(path), reason) for path, reason in wrong]


def _reasons(check: Check, names: Names, value: Any, path: Path) -> Reasons:
    try:
        check(names, value)
    except WrongError as error:
        return [((*path, *rest), reason) for rest, reason in error.reasons]
    return []


def _or(words: tuple[str, ...] | list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _allowed(known: Mapping[str, Any]) -> str:
    return (
        f"allowed are {', '.join(known)}"
        if 0 < len(known) <= 30
        else f"{len(known) or 'none'} are allowed"
    )


_id, _sentence = text(LONGEST_ID), text(LONGEST_TEXT)
_primary, _addon, _number = sku_of(*PRIMARY), sku_of(Kind.ADDON), sku_of(Kind.NUMBER)
_hold, _when = one_of("normal", "ported_in", "byoi"), one_of("now", "renewal")
_card, _mode = one_of("none", "ok", "declined"), one_of("prepaid", "postpaid")
_one = whole(1)

NUMBER: Mapping[str, Check] = {"number": _id, "sku": _number, "hold?": _hold}

ACCOUNT: Mapping[str, Check] = {
    "id": _id,
    "currency": currency,
    "timezone": zone,
    "credits?": amount_or_zero,
    "credit_limit?": amount_or_zero,
    "card?": _card,
    "renew_by_card?": flag,
    "auto_top_up?": flag,
    "mode?": _mode,
}

_PURCHASE: Mapping[str, Check] = {
    "id": _id,
    "account": account,
    "sku": _primary,
    "quantity?": _one,
    "multiplier?": _one,
    "addons?": addons,
    "numbers?": numbers,
    "pay?": one_of("credits", "external_invoice", "contract"),
    "invoice_number?": _id,
    "contract?": one_of("as_incurred", "milestone"),
    "align?": flag,
    "legacy?": flag,
    "discount?": percent,
    "discount_cycles?": _one,
}

STEPS: Mapping[str, Mapping[str, Check]] = {
    "purchase": _PURCHASE,
    "trial": {"id": _id, "account": account, "sku": _primary},
    "recover": {"id": introduced, "invoice_number?": _id},
    "reactivate": {"id": introduced, "invoice_number?": _id},
    "convert": {"id": introduced, "invoice_number?": _id},
    "extend": {"id": introduced, "cycles?": _one, "to?": day, "invoice_number?": _id},
    "unsubscribe": {"id": introduced},
    "resubscribe": {"id": introduced},
    "terminate": {"id": introduced, "reason": _sentence},
    "change_plan": {"id": introduced, "sku": _primary, "when?": _when, "invoice_number?": _id},
    "set_addon": {"id": introduced, "sku": _addon, "quantity": whole(0), "when?": _when},
    "add_number": {"id": introduced, "number": _id, "sku": _number, "hold?": _hold, "when?": _when},
    "remove_number": {"id": introduced, "number": _id, "when?": _when},
    "swap_number": {"id": introduced, "number": _id, "to": _id, "sku?": _number},
    "change_cycle": {"id": introduced, "multiplier?": _one, "months?": _one},
    "change_owner": {"id": introduced, "account": account},
    "top_up": {"account": account, "amount": positive_amount},
    "set_card": {"account": account, "card": _card},
    "set": {
        "account": account,
        "credit_limit?": amount_or_zero,
        "renew_by_card?": flag,
        "auto_top_up?": flag,
        "mode?": _mode,
    },
    "usage": {"account": account, "amount": positive_amount, "text": _sentence},
    "transfer": {"account": account, "to": account, "amount": positive_amount},
    "adjust": {"account": account, "amount": signed_amount, "reason": _sentence},
    "pay_invoice": {"account": account, "amount": positive_amount},
    "suspend": {"account": account},
    "resume": {"account": account},
    "outage": {"until": when},
}

EVERY_STEP: Mapping[str, Check] = {"at": when, "do": one_of(*STEPS), "request_id?": _id}


def together(do: str, given: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What is wrong with a step's keys together, whatever each of them holds."""
    match do:
        case "purchase":
            yield from _payment(given)
        case "extend":
            yield from _exactly_one(given, "cycles", "to")
        case "change_cycle":
            yield from _exactly_one(given, "multiplier", "months")
        case "set" if not given.keys() & {"credit_limit", "renew_by_card", "auto_top_up", "mode"}:
            yield (
                (),
                "sets nothing; at least one of credit_limit, renew_by_card, auto_top_up and mode is needed",
            )


def _payment(given: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    pay = given.get("pay", "credits")
    if pay == "external_invoice" and "invoice_number" not in given:
        yield ("invoice_number",), "is missing; pay: external_invoice needs it"
    if pay in ("credits", "contract") and "invoice_number" in given:
        yield ("invoice_number",), f"is allowed with pay: external_invoice only, not with {pay}"
    if pay in ("credits", "external_invoice") and "contract" in given:
        yield ("contract",), f"is allowed with pay: contract only, not with {pay}"


def _exactly_one(given: Mapping[str, Any], one: str, other: str) -> Iterator[tuple[Path, str]]:
    if (one in given) == (other in given):
        yield (
            (),
            f"has {'both' if one in given else 'neither'} of {one} and {other}; exactly one is needed",
        )
