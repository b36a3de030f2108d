"""The catalogue: what is sold, for how many months, and at which price (Rule 3.1).

Owns SKUs, and the reading and writing of a catalogue document. Which version of a SKU is in force
on a day is with `core.domain.price_versions` (Rule 3.5). Nothing is multiplied here. Quantities,
cycles and rounding are with `core.domain.fees`. Prices are per unit and base cycle, unrounded,
with up to 5 decimals.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.domain.fault_places import shown, unknown_key
from core.domain.faults import Fault, Faults
from core.domain.inputs import (
    read_amounts,
    read_at,
    read_choice,
    read_day,
    read_flag,
    read_id,
    read_whole,
)
from core.domain.money import parse_amount
from core.domain.price_versions import Timeline, Version

MOST_MONTHS = 1200
MOST_TRIAL_DAYS = 36_500
LONGEST_NAME = 100
"""Characters of the name of a SKU or an application."""


class SkuKind(StrEnum):
    """What a SKU is a unit of."""

    APPLICATION = "application"
    SERVICE = "service"
    HARDWARE = "hardware"
    ADDON = "addon"
    NUMBER = "number"


PRIMARY = frozenset({SkuKind.APPLICATION, SkuKind.SERVICE, SkuKind.HARDWARE})
"""The kinds that a subscription can have as its primary SKU. Add-ons and numbers come with one."""


@dataclass(frozen=True, slots=True)
class Sku:
    """One thing that is sold (Rule 3.1).

    `sku`: its name.
    `application`: for the one trial per account and application (Rule 4.3), if there is one.
    `kind`: what it is a unit of.
    `months`: its base cycle.
    `versions`: the entry that introduced it, then the later ones in the order of the document.
    """

    sku: str
    application: str | None
    kind: SkuKind
    months: int
    versions: tuple[Version, ...]


class Catalog:
    """Every SKU with all its versions. Days are local dates of the account.

    A question about a SKU that is not in the catalogue raises KeyError. Test with ``in`` first.
    """

    __slots__ = ("_skus", "_timelines")

    def __init__(self, skus: Iterable[Sku]) -> None:
        self._skus = {sku.sku: sku for sku in skus}
        self._timelines = {name: Timeline(sku.versions) for name, sku in self._skus.items()}

    def __contains__(self, sku: object) -> bool:
        return isinstance(sku, str) and sku in self._skus

    def __eq__(self, other: object) -> bool:
        return self._skus == other._skus if isinstance(other, Catalog) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def skus(self) -> tuple[Sku, ...]:
        """Every SKU, in the order of the document."""
        return tuple(self._skus.values())

    def kind(self, sku: str) -> SkuKind:
        """What the SKU is a unit of."""
        return self._skus[sku].kind

    def months(self, sku: str) -> int:
        """The SKU's base cycle in months (Rule 3.1)."""
        return self._skus[sku].months

    def application(self, sku: str) -> str | None:
        """The SKU's application, which may have one trial per account (Rule 4.3)."""
        return self._skus[sku].application

    def trial_of(self, sku: str) -> str:
        """What an account has one trial of: the SKU's application, or else the SKU (Rule 4.3)."""
        application = self.application(sku)
        return f"SKU {sku}" if application is None else f"application {application}"

    def in_force(self, sku: str, on: date) -> Version:
        """What the versions of the SKU make on the day (Rule 3.5)."""
        return self._timelines[sku].on(on)

    def trial_days(self, sku: str, on: date) -> int | None:
        """How many days a trial lasts that starts on the day. None if there is none (Rule 4.3)."""
        return self.in_force(sku, on).trial_days

    def refundable(self, sku: str, on: date) -> bool:
        """Whether the SKU allows refunds on the day. The default is that it does (Rule 8.2)."""
        return self.in_force(sku, on).refundable is not False

    def price(self, sku: str, currency: str, on: date) -> Decimal | None:
        """The price of one unit for the base cycle on the day, unrounded (Rules 3.1, 3.5).

        None if the SKU is not sold in this currency then.
        """
        return self.in_force(sku, on).prices.get(currency)

    def cost(self, sku: str, currency: str, on: date) -> Decimal | None:
        """What the seller pays its supplier for one unit and base cycle, unrounded (Rule 3.1).

        None if no cost is known in this currency on the day.
        """
        return self.in_force(sku, on).costs.get(currency)

    def activation_fee(self, sku: str, currency: str, on: date) -> Decimal | None:
        """The activation fee of one number on the day. None without one (Rule 10.1)."""
        return self.in_force(sku, on).activation_fee.get(currency)


_READERS: Mapping[str, Callable[[object], object]] = {
    "sku": lambda value: read_id(value, LONGEST_NAME),
    "application": lambda value: read_id(value, LONGEST_NAME),
    "kind": lambda value: read_choice(value, SkuKind),
    "months": lambda value: read_whole(value, 1, MOST_MONTHS),
    "trial_days": lambda value: read_whole(value, 1, MOST_TRIAL_DAYS),
    "refundable": read_flag,
    "from": lambda value: read_day(value, (date.min.year, date.max.year)),
}
"""How each key of an entry is read, except amounts by currency."""
_RESTORERS: Mapping[str, Callable[[Any], object]] = {"kind": SkuKind, "from": date.fromisoformat}
"""How each key is restored that JSON does not hold as it is, except amounts by currency."""
_AMOUNTS = ("prices", "costs", "activation_fee")
_KEYS = (*_READERS, *_AMOUNTS)
_FIXED = ("application", "kind", "months")
"""What a SKU is. A later version may repeat it but not change it."""

Values = Mapping[str, Any]
"""What an entry names, by key. A value that could not be read is None, and its fault is known."""


def load(
    entries: object,
    place: str = "catalog",
    stored: Sequence[Mapping[str, Any]] = (),
    skipped: Container[int] = (),
) -> Catalog:
    """Read the entries of a catalogue that a person wrote, after those that are `stored` already.

    `skipped`: the positions of entries that are not read, because they are stored already.

    The first entry of a SKU introduces it. Its later ones, each with a `from`, are versions and may
    come in any order. Raises `Faults` with every fault, each with its place, such as
    ``catalog[4].prices.USD``.
    """
    if not isinstance(entries, list | tuple):
        raise Faults([Fault(place, f"must be a list of entries, not {shown(entries)}")])
    faults: list[Fault] = []
    read = [
        (f"entry {i + 1} of the stored catalogue", _restored(entry))
        for i, entry in enumerate(stored)
    ]
    for i, entry in enumerate(entries):
        if i not in skipped:
            read.append((f"{place}[{i}]", _values(entry, f"{place}[{i}]", faults)))
    by_sku: dict[str, list[tuple[str, Values]]] = {}
    for there, values in read:
        if values.get("sku") is not None:
            by_sku.setdefault(values["sku"], []).append((there, values))
    for name, own in by_sku.items():
        _check(name, own, faults)
    if faults:
        raise Faults(faults)
    return Catalog(_sku(name, [values for _, values in own]) for name, own in by_sku.items())


def restore(entries: Iterable[Mapping[str, Any]]) -> Catalog:
    """Read entries that were stored, perhaps by newer code.

    Bounds are not checked. Keys that this code does not know are passed over. So workers of two
    versions can run side by side.
    """
    by_sku: dict[str, list[Values]] = {}
    for entry in entries:
        by_sku.setdefault(entry["sku"], []).append(_restored(entry))
    return Catalog(_sku(name, own) for name, own in by_sku.items())


def entries(catalog: Catalog) -> list[dict[str, Any]]:
    """The catalogue as entries in JSON. A SKU's versions follow its first entry."""
    return [entry for sku in catalog.skus for entry in _entries(sku)]


def _entries(sku: Sku) -> Iterable[dict[str, Any]]:
    fixed = {"application": sku.application, "kind": sku.kind.value, "months": sku.months}
    for i, version in enumerate(sku.versions):
        amounts = {
            key: {currency: format(a, "f") for currency, a in getattr(version, key).items()} or None
            for key in _AMOUNTS
        }
        values = {
            "sku": sku.sku,
            **(fixed if i == 0 else {}),
            **amounts,
            "trial_days": version.trial_days,
            "refundable": version.refundable,
            "from": version.since and version.since.isoformat(),
        }
        yield {key: value for key, value in values.items() if value is not None}


def _values(entry: object, place: str, faults: list[Fault]) -> Values:
    """What an entry names. What is wrong joins `faults`."""
    if not isinstance(entry, Mapping):
        faults.append(
            Fault(place, f"must be a mapping with {', '.join(_KEYS)}, not {shown(entry)}")
        )
        return {}
    if "sku" not in entry:
        faults.append(Fault(f"{place}.sku", "is missing; every entry names its SKU"))
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in _KEYS:
            faults.append(unknown_key(place, key, _KEYS))
            continue
        before = len(faults)
        found = _value(key, value, f"{place}.{key}", faults)
        values[key] = found if len(faults) == before else None
    return values


def _value(key: str, value: object, place: str, faults: list[Fault]) -> object:
    if key in _AMOUNTS:
        return read_amounts(value, place, faults)
    return read_at(place, value, _READERS[key], faults)


def _restored(entry: Mapping[str, Any]) -> Values:
    """What a stored entry names. Keys of newer code are left out."""
    return {key: _restored_value(key, value) for key, value in entry.items() if key in _KEYS}


def _restored_value(key: str, value: Any) -> object:
    if key in _AMOUNTS:
        return {currency: parse_amount(amount) for currency, amount in value.items()}
    return _RESTORERS[key](value) if key in _RESTORERS else value


def _check(name: str, own: Sequence[tuple[str, Values]], faults: list[Fault]) -> None:
    """Check the entries of a SKU against its first one, which introduces it."""
    place, first = own[0]
    faults.extend(
        Fault(f"{place}.{key}", f"is missing; the first entry of {name} names it")
        for key in ("kind", "months")
        if key not in first
    )
    places = {first.get("from"): place}
    for there, later in own[1:]:
        _check_fixed(there, later, place, first, faults)
        _check_since(there, later, place, places, faults)


def _check_fixed(there: str, later: Values, place: str, first: Values, faults: list[Fault]) -> None:
    """A version may repeat what a SKU is, but not change it (Rule 3.5).

    Only values that are there and could be read are compared.
    """
    for key in _FIXED:
        was = first.get(key)
        comparable = was is not None or (key == "application" and key not in first)
        if comparable and later.get(key) is not None and later[key] != was:
            reason = (
                f"{_as_written(later[key])} differs from {place}; a version cannot change it, "
                f"allowed is {_as_written(was) if was else 'none'}"
            )
            faults.append(Fault(f"{there}.{key}", reason))


def _as_written(value: object) -> str:
    return shown(value.value if isinstance(value, SkuKind) else value)


def _check_since(
    there: str,
    later: Values,
    place: str,
    places: dict[date | None, str],
    faults: list[Fault],
) -> None:
    """A version names its first day, and no other version of the SKU has the same (Rule 3.5).

    `places`: where each first day stands that was seen so far.
    """
    where = f"{there}.from"
    if "from" not in later:
        reason = f"is missing; the SKU is in {place} already, a later version names its first day"
        faults.append(Fault(where, reason))
        return
    since = later["from"]
    if since is not None and since in places:
        reason = (
            f"{since} is the first day of {places[since]} already; one version a day is allowed"
        )
        faults.append(Fault(where, reason))
    places.setdefault(since, there)


def _sku(name: str, own: Sequence[Values]) -> Sku:
    """The SKU of its entries, the first of which introduces it."""
    first = own[0]
    versions = tuple(_version(values) for values in own)
    return Sku(name, first.get("application"), first["kind"], first["months"], versions)


def _version(values: Values) -> Version:
    return Version(
        since=values.get("from"),
        prices=values.get("prices", {}),
        costs=values.get("costs", {}),
        activation_fee=values.get("activation_fee", {}),
        trial_days=values.get("trial_days"),
        refundable=values.get("refundable"),
    )
