"""The shapes of mappings in a scenario file: which keys there are, and what each may hold.

Owns the checks of one value that need no other steps. `core.domain.inputs` reads the values
themselves. This module adds which names of the file are allowed, and that numbers, true and false
are not in quotes. A ``?`` marks a key that may be left out.

What depends on state, money or dates is no fault here. It is refused when the scenario runs
(501 licences too, Rule 3.3).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from core.domain import inputs
from core.domain.catalog import SkuKind
from core.domain.fault_places import shown
from core.domain.faults import MISSING, Fault
from core.domain.inputs import Sign, Wrong, either
from doors.scenarios.document import place

Path = tuple[str | int, ...]
Reasons = list[tuple[Path, str]]

CARDS = {"none": None, "ok": "sim_ok", "declined": "sim_declined"}
"""What a scenario calls a card, and the token by which the simulated gateway knows it."""

_LOOSE_OFFSET = re.compile(r"(.{10}[Tt ].*[0-9]) ?(?:([Zz])|([+-][0-9]{2})(?::?([0-9]{2}))?)")
"""A scenario may write an offset as `+08:00`, `+0800` or `+08`, and a space before it."""


@dataclass(slots=True)
class Names:
    """What the names in a step may refer to.

    `kinds`: the file's SKUs. The kind is None where the catalogue entry has a fault.
    `accounts`: the file's accounts with their zones. The zone is None where it has a fault.
    `owners`: the subscriptions of earlier steps, each with the account that owns it.
    """

    kinds: Mapping[str, SkuKind | None]
    accounts: Mapping[str, str | None]
    owners: dict[str, str | None] = field(default_factory=dict)


class WrongInside(Wrong):
    """What is wrong inside a value, each with its place there."""

    def __init__(self, reasons: Reasons) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reason for _, reason in reasons))


Check = Callable[[Names, Any], Any]


def plain(read: Callable[[object], Any]) -> Check:
    """A value that needs no names: as a reader of `core.domain.inputs` reads it."""
    return lambda _, value: read(value)


def whole(least: int, most: int = inputs.LARGEST_WHOLE) -> Check:
    """A whole number, not in quotes."""

    def check(_: Names, value: Any) -> int:
        if isinstance(value, str):
            inputs.wrong(f"must be a whole number, not {shown(value)}; write it without quotes")
        return inputs.read_whole(value, least, most)

    return check


def flag(_: Names, value: Any) -> bool:
    """True or false, not in quotes."""
    if isinstance(value, str):
        inputs.wrong(f"must be true or false, not {shown(value)}; write it without quotes")
    return inputs.read_flag(value)


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(_: Names, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            inputs.wrong(f"must be {either(allowed)}, not {shown(value)}")
        return value

    return check


def amount(sign: Sign) -> Check:
    """An amount, in quotes."""
    return plain(lambda value: inputs.read_amount(value, sign))


def card_token(names: Names, value: Any) -> str | None:
    """The token of a card that is written as none, ok or declined."""
    return CARDS[CARD(names, value)]


def day_or_instant(_: Names, value: Any) -> date | datetime:
    """A local date, or an instant with an offset (returned in UTC)."""
    match = _LOOSE_OFFSET.fullmatch(value) if isinstance(value, str) else None
    if match:
        moment, utc, hours, minutes = match.groups()
        value = moment + (utc or f"{hours}:{minutes or '00'}")
    return inputs.read_moment(value)


def sku_of(*kinds: SkuKind) -> Check:
    """A SKU of the catalogue that is of one of the kinds."""

    def check(names: Names, value: Any) -> str:
        if not isinstance(value, str) or value not in names.kinds:
            inputs.wrong(f"{shown(value)} is not in the catalog; {_allowed(names.kinds)}")
        kind = names.kinds[value]
        if kind is not None and kind not in kinds:
            allowed = either(k.value for k in SkuKind if k in kinds)
            inputs.wrong(
                f"{shown(value)} is of kind {kind}; a SKU of kind {allowed} is allowed here"
            )
        return value

    return check


def account(names: Names, value: Any) -> str:
    """The id of one of the file's accounts."""
    if not isinstance(value, str) or value not in names.accounts:
        inputs.wrong(f"{shown(value)} is not an account of this file; {_allowed(names.accounts)}")
    return value


def introduced(names: Names, value: Any) -> str:
    """The id of a subscription that an earlier purchase or trial introduced."""
    if not isinstance(value, str) or value not in names.owners:
        known = _allowed(names.owners)
        inputs.wrong(f"no earlier purchase or trial has the id {shown(value)}; {known}")
    return value


def quantities(*kinds: SkuKind) -> Check:
    """Quantities by SKU. The SKUs are of one of the kinds."""

    def check(names: Names, value: Any) -> dict[str, int]:
        if not isinstance(value, dict):
            inputs.wrong(f"must be a mapping of SKU to quantity, not {shown(value)}")
        wrong: Reasons = []
        for sku, quantity in value.items():
            for judge, judged in ((sku_of(*kinds), sku), (whole(1), quantity)):
                wrong += _reasons(judge, names, judged, (sku,))
        if wrong:
            raise WrongInside(wrong)
        return dict(value)

    return check


def numbers(names: Names, value: Any) -> tuple[dict[str, str], ...]:
    """Phone numbers with their SKU, and with their hold if it is not `normal`. Each occurs once."""
    if not isinstance(value, list):
        inputs.wrong(f"must be a list of {{number, sku, hold?}}, not {shown(value)}")
    read = [keys(names, entry, NUMBER, (index,)) for index, entry in enumerate(value)]
    wrong = [reason for _, reasons in read for reason in reasons]
    seen: set[str] = set()
    for index, (values, _) in enumerate(read):
        if (number := values.get("number")) in seen:
            reason = f"{shown(number)} stands in this purchase twice; once is allowed"
            wrong.append(((index, "number"), reason))
        seen |= {number} if number else set()
    if wrong:
        raise WrongInside(wrong)
    return tuple(values for values, _ in read)


def keys(
    names: Names, document: Any, shape: Mapping[str, Check], path: Path
) -> tuple[dict[str, Any], Reasons]:
    """The valid values of a mapping by its shape, and what is wrong with the others.

    Wrong are unknown keys, missing keys, and values.
    """
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
        except Wrong as error:
            wrong += _placed(error, (*path, key))
    wrong += [
        ((*path, key), MISSING) for key in shape if not key.endswith("?") and key not in document
    ]
    return values, wrong


def faults(wrong: Reasons) -> list[Fault]:
    """What is wrong, as faults with their places."""
    return [Fault(place(path), reason) for path, reason in wrong]


def _placed(error: Wrong, path: Path) -> Reasons:
    if isinstance(error, WrongInside):
        return [((*path, *rest), reason) for rest, reason in error.reasons]
    return [(path, str(error))]


def _reasons(check: Check, names: Names, value: Any, path: Path) -> Reasons:
    try:
        check(names, value)
    except Wrong as error:
        return _placed(error, path)
    return []


def _allowed(known: Mapping[str, Any]) -> str:
    return (
        f"allowed are {', '.join(known)}"
        if 0 < len(known) <= 30
        else f"{len(known) or 'none'} are allowed"
    )


PHONE_NUMBER = plain(inputs.read_number)
IDENTIFIER, SENTENCE, CARD = plain(inputs.read_id), plain(inputs.read_text), one_of(*CARDS)

NUMBER: Mapping[str, Check] = {
    "number": PHONE_NUMBER,
    "sku": sku_of(SkuKind.NUMBER),
    "hold?": one_of("normal", "ported_in", "byoi"),
}

ACCOUNT: Mapping[str, Check] = {
    "id": IDENTIFIER,
    "currency": plain(inputs.read_currency),
    "timezone": plain(inputs.read_zone),
    "credits?": amount(Sign.NOT_NEGATIVE),
    "credit_limit?": amount(Sign.NOT_NEGATIVE),
    "card?": CARD,
    "renew_by_card?": flag,
    "auto_top_up?": flag,
    "mode?": one_of("prepaid", "postpaid"),
}
