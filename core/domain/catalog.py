"""The catalogue: what is sold, for how many months, at which price, and since when (Rules 3.1, 3.5).

Owns SKUs and their versions and the reading of a catalogue document with every fault at once. It multiplies nothing: quantities,
cycles and rounding are pricing's. Prices are per unit and base cycle, unrounded, with up to 5 decimals.

Worked example: PRO-M at 50.00 USD and 45.00 EUR; a version from 2021-03-01 names 60.00 USD. On 2021-02-28 it costs 50.00 USD, from
2021-03-01 on 60.00 USD, and 45.00 EUR all along.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.domain.faults import Fault, Faults
from core.domain.money import parse_amounts
from core.domain.places import shown, unknown_key, whole

MOST_MONTHS = 1200
MOST_TRIAL_DAYS = 36_500
LONGEST_NAME = 100

_KEYS = (
    "sku",
    "application",
    "kind",
    "months",
    "prices",
    "costs",
    "trial_days",
    "refundable",
    "activation_fee",
    "from",
)
_FIXED = ("application", "kind", "months")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Kind(StrEnum):
    """What a SKU is a unit of."""

    APPLICATION = "application"
    SERVICE = "service"
    HARDWARE = "hardware"
    ADDON = "addon"
    NUMBER = "number"


PRIMARY = frozenset({Kind.APPLICATION, Kind.SERVICE, Kind.HARDWARE})
"""The kinds that can be a subscription's primary SKU; add-ons and numbers come with one."""


@dataclass(frozen=True, slots=True)
class Version:
    """What an entry of the catalogue names, from local date `since` on (None: always). What it does not name stays (Rule 3.5)."""

    since: date | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    costs: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    activation_fee: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    trial_days: int | None = None
    refundable: bool | None = None

    def followed_by(self, later: "Version") -> "Version":
        """What is in force once the `later` version is: what it names, currency by currency, and the rest of this one."""
        return Version(
            since=later.since,
            prices={**self.prices, **later.prices},
            costs={**self.costs, **later.costs},
            activation_fee={**self.activation_fee, **later.activation_fee},
            trial_days=self.trial_days if later.trial_days is None else later.trial_days,
            refundable=self.refundable if later.refundable is None else later.refundable,
        )


@dataclass(frozen=True, slots=True)
class Sku:
    """One thing that is sold; `months` is its base cycle (Rule 3.1). The first version is the entry that introduced it."""

    sku: str
    application: str | None
    kind: Kind
    months: int
    versions: tuple[Version, ...]


_NOTHING = Version()


class Catalog:
    """Every SKU with all its versions; what is asked for a day is a bisection, not a scan.

    Asking for a SKU that is not in the catalogue raises KeyError: test with ``in`` first. Days are local dates of the account.
    """

    __slots__ = ("_skus", "_timelines")

    def __init__(self, skus: Iterable[Sku]) -> None:
        self._skus = {sku.sku: sku for sku in skus}
        self._timelines = {name: _timeline(sku.versions) for name, sku in self._skus.items()}

    def __contains__(self, sku: object) -> bool:
        return isinstance(sku, str) and sku in self._skus

    def __eq__(self, other: object) -> bool:
        return self._skus == other._skus if isinstance(other, Catalog) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def skus(self) -> tuple[Sku, ...]:
        """Every SKU, in the order of the document."""
        return tuple(self._skus.values())

    def kind(self, sku: str) -> Kind:
        """What the SKU is a unit of."""
        return self._skus[sku].kind

    def months(self, sku: str) -> int:
        """The SKU's base cycle in months (Rule 3.1)."""
        return self._skus[sku].months

    def application(self, sku: str) -> str | None:
        """The application the SKU belongs to, for the one trial per account and application (Rule 4.3)."""
        return self._skus[sku].application

    def trial_days(self, sku: str, on: date) -> int | None:
        """How many days a trial that starts on the day lasts; None: there is none (Rule 4.3)."""
        return self._in_force(sku, on).trial_days

    def refundable(self, sku: str, on: date) -> bool:
        """Whether the SKU allows refunds on the day (Rule 8.2); it does unless the catalogue says otherwise."""
        return self._in_force(sku, on).refundable is not False

    def price(self, sku: str, currency: str, on: date) -> Decimal | None:
        """The price of one unit for the base cycle on the day, unrounded; None: not sold in this currency then (Rules 3.1, 3.5)."""
        return self._in_force(sku, on).prices.get(currency)

    def cost(self, sku: str, currency: str, on: date) -> Decimal | None:
        """What the seller pays its supplier for one unit and base cycle on the day, unrounded; None: no cost is known (Rule 3.1)."""
        return self._in_force(sku, on).costs.get(currency)

    def activation_fee(self, sku: str, currency: str, on: date) -> Decimal | None:
        """The activation fee of one number on the day; None: there is none in this currency (Rule 10.1)."""
        return self._in_force(sku, on).activation_fee.get(currency)

    def _in_force(self, sku: str, on: date) -> Version:
        days, states = self._timelines[sku]
        return states[bisect_right(days, on)]


def _timeline(versions: Iterable[Version]) -> tuple[list[date], list[Version]]:
    """The days on which something changes, and what is in force before the first of them and from each one on."""
    days: list[date] = []
    states = [_NOTHING]
    for version in sorted(versions, key=lambda v: v.since or date.min):
        days.append(version.since or date.min)
        states.append(states[-1].followed_by(version))
    return days, states


def load(entries: object, place: str = "catalog") -> Catalog:
    """Read the entries of a catalogue; a SKU's first entry introduces it, its later ones, each with a `from`, are versions.

    The versions may come in any order. Raises Faults with every fault, each with its place, such as ``catalog[4].prices.USD``.
    """
    if not isinstance(entries, list | tuple):
        raise Faults([Fault(place, f"{shown(entries)} is not a list of entries")])
    faults: list[Fault] = []
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for i, entry in enumerate(entries):
        values = _values(entry, f"{place}[{i}]", faults)
        if values.get("sku") is not None:
            found.setdefault(values["sku"], []).append((f"{place}[{i}]", values))
    skus = [_sku(name, read, faults) for name, read in found.items()]
    if faults:
        raise Faults(faults)
    return Catalog(sku for sku in skus if sku is not None)


def entries(catalog: Catalog) -> list[dict[str, Any]]:
    """The catalogue as JSON-able entries, each SKU's versions after its first; `load` reads them back."""
    return [entry for sku in catalog.skus for entry in _entries(sku)]


def _entries(sku: Sku) -> Iterable[dict[str, Any]]:
    for i, version in enumerate(sku.versions):
        fixed = (
            {"application": sku.application, "kind": sku.kind.value, "months": sku.months}
            if i == 0
            else {}
        )
        values = {
            "sku": sku.sku,
            **fixed,
            **{
                key: {c: format(a, "f") for c, a in getattr(version, key).items()} or None
                for key in ("prices", "costs", "activation_fee")
            },
            "trial_days": version.trial_days,
            "refundable": version.refundable,
            "from": version.since and version.since.isoformat(),
        }
        yield {key: value for key, value in values.items() if value is not None}


def _values(entry: object, place: str, faults: list[Fault]) -> Mapping[str, Any]:
    """What the entry names, by key; None where it could not be read, which is a fault already."""
    if not isinstance(entry, Mapping):
        faults.append(
            Fault(place, f"{shown(entry)} is not a mapping; an entry has {', '.join(_KEYS)}")
        )
        return {}
    if "sku" not in entry:
        faults.append(Fault(f"{place}.sku", "missing; every entry names its SKU"))
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in _KEYS:
            faults.append(unknown_key(place, key, _KEYS))
            continue
        before = len(faults)
        read = _read(key, value, f"{place}.{key}", faults)
        values[key] = read if len(faults) == before else None
    return values


def _read(key: str, value: object, place: str, faults: list[Fault]) -> object:
    match key:
        case "prices" | "costs" | "activation_fee":
            return parse_amounts(value, place, faults)
        case "sku" | "application":
            return _name(value, place, faults)
        case "kind":
            return _kind(value, place, faults)
        case "months":
            return _number(value, place, MOST_MONTHS, faults)
        case "trial_days":
            return _number(value, place, MOST_TRIAL_DAYS, faults)
        case "refundable":
            if not isinstance(value, bool):
                faults.append(
                    Fault(place, f"{shown(value)} is not allowed; allowed are true and false")
                )
            return value
        case _:
            return _date(value, place, faults)


def _name(value: object, place: str, faults: list[Fault]) -> str | None:
    if isinstance(value, str) and 1 <= len(value) <= LONGEST_NAME and value.isprintable():
        return value
    faults.append(
        Fault(
            place,
            f"{shown(value)} is not a name; allowed is text of 1 to {LONGEST_NAME} printable characters",
        )
    )
    return None


def _kind(value: object, place: str, faults: list[Fault]) -> Kind | None:
    kinds = {kind.value: kind for kind in Kind}
    if isinstance(value, str) and value in kinds:
        return kinds[value]
    faults.append(Fault(place, f"{shown(value)} is not a kind; allowed are {', '.join(kinds)}"))
    return None


def _number(value: object, place: str, most: int, faults: list[Fault]) -> int | None:
    if whole(value) and 1 <= value <= most:
        return value
    faults.append(
        Fault(place, f"{shown(value)} is not allowed; allowed are whole numbers from 1 to {most}")
    )
    return None


def _date(value: object, place: str, faults: list[Fault]) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _ISO_DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # 2021-02-30: of the right shape, but no day
    faults.append(
        Fault(place, f"{shown(value)} is not a date; allowed are dates such as 2021-03-01")
    )
    return None


def _sku(
    name: str, read: Sequence[tuple[str, Mapping[str, Any]]], faults: list[Fault]
) -> Sku | None:
    """The SKU of its entries, the first of which introduces it."""
    place, first = read[0]
    faults.extend(
        Fault(f"{place}.{key}", f"missing; the first entry of {name} names it")
        for key in ("kind", "months")
        if key not in first
    )
    places = {first.get("from"): place}
    for there, later in read[1:]:
        _check_fixed(there, later, place, first, faults)
        _check_since(there, later, place, places, faults)
    if faults:
        return None
    return Sku(
        name,
        first.get("application"),
        first["kind"],
        first["months"],
        tuple(_version(values) for _, values in read),
    )


def _check_fixed(
    there: str, later: Mapping[str, Any], place: str, first: Mapping[str, Any], faults: list[Fault]
) -> None:
    """A version may repeat what a SKU is, not change it. Only values that are there and could be read are compared."""
    for key in _FIXED:
        was = first.get(key)
        comparable = was is not None or (key == "application" and key not in first)
        if comparable and later.get(key) is not None and later[key] != was:
            reason = f"{shown(later[key])} differs from {place}; a version cannot change it, allowed is {shown(was) if was else 'none'}"
            faults.append(Fault(f"{there}.{key}", reason))


def _check_since(
    there: str,
    later: Mapping[str, Any],
    place: str,
    places: dict[date | None, str],
    faults: list[Fault],
) -> None:
    """A version has a day from which it holds, and no other version of the SKU has the same; `places` are those seen so far."""
    if "from" not in later:
        faults.append(
            Fault(
                f"{there}.from",
                f"missing; the SKU is in {place} already, a later version names its first day",
            )
        )
        return
    since = later["from"]
    if since is not None and since in places:
        faults.append(
            Fault(
                f"{there}.from",
                f"{since} is the first day of {places[since]} already; allowed is one version a day",
            )
        )
    places.setdefault(since, there)


def _version(values: Mapping[str, Any]) -> Version:
    return Version(
        since=values.get("from"),
        prices=values.get("prices", {}),
        costs=values.get("costs", {}),
        activation_fee=values.get("activation_fee", {}),
        trial_days=values.get("trial_days"),
        refundable=values.get("refundable"),
    )
