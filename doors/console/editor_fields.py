"""What the editors of terms share: amounts as text, and which field a fault belongs to."""

import re
from collections.abc import Iterable, Mapping

from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong

_BETWEEN = re.compile(r"[,;\n]")
_AMOUNTS = "must have a currency and an amount each, such as USD 50.00, EUR 45.00"


def amounts_text(amounts: Mapping[str, object]) -> str:
    """Amounts by currency as a person types them, such as ``USD 50.00, EUR 45.00``."""
    return ", ".join(f"{currency} {amount}" for currency, amount in sorted(amounts.items()))


def amounts_of(text: str) -> dict[str, str]:
    """The amounts of a text, unchecked but for their form. Raises `Wrong`."""
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, _BETWEEN.split(text))):
        words = part.split()
        if len(words) != 2:
            raise Wrong(_AMOUNTS)
        currency, amount = words[0].upper(), words[1]
        if currency in found:
            raise Wrong(f"has {currency} twice; one amount of each currency is allowed")
        found[currency] = amount
    return found


def by_field(error: Faults, within: str, names: Iterable[str]) -> tuple[Fault, ...]:
    """The faults with the names of the fields they belong to as their places.

    `within`: how the places of the document begin, such as ``policy``. A fault of a part, such as
    ``policy.retry_days[1]``, is one of its field and names the part. Others keep their places.
    """
    longest = sorted(names, key=len, reverse=True)
    return tuple(_of_field(fault, within, longest) for fault in error.faults)


def _of_field(fault: Fault, within: str, names: list[str]) -> Fault:
    place = fault.place.removeprefix(within).lstrip(".")
    for name in names:
        rest = place.removeprefix(name)
        if place.startswith(name) and rest[:1] in ("", ".", "["):
            part = _part(rest)
            return Fault(name, f"{part}: {fault.reason}" if part else fault.reason)
    return fault


def _part(rest: str) -> str:
    """A part of a field in words: an entry of a list, or a currency."""
    if rest.startswith("["):
        number = rest.strip("[]")
        return f"entry {int(number) + 1}" if number.isdigit() else rest
    return rest.lstrip(".")
