"""The kinds of settings that a policy has: how each is read, restored and written.

Owns nothing about a single key. `core.domain.policy` names the kind, the bounds and the default of
each key beside its field:

    renewal_lead_days: Annotated[int, Whole(1, 27)] = 7

A setting is *read* from what a person wrote, with every fault. It is *restored* from what this
program wrote earlier, without checks, because newer code may have other bounds and more keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, TypeVar, get_type_hints

from core.domain.fault_places import shown, unknown_key
from core.domain.faults import Fault
from core.domain.inputs import (
    read_amounts,
    read_at,
    read_choice,
    read_flag,
    read_whole,
)

LARGEST_NUMBER = 1_000_000
"""The largest number of a policy. Beyond it dates leave the calendar."""

S = TypeVar("S", bound="Settings")


class Setting(Protocol):
    """One kind of setting."""

    def read(self, value: object, default: Any, place: str, faults: list[Fault]) -> object:
        """The value that a person wrote. What is wrong joins `faults`."""
        ...

    def restore(self, value: Any, default: Any) -> object:
        """The value that `write` wrote."""
        ...

    def write(self, value: Any) -> object:
        """The value as JSON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A group of settings. Each field that names its kind is a key."""

    newer: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Keys of a stored document that this code does not know. They are written back as they are."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number with its bounds."""

    least: int = 0
    most: int = LARGEST_NUMBER

    def read(self, value: object, default: int, place: str, faults: list[Fault]) -> object:
        """A whole number within the bounds."""
        return read_at(place, value, lambda v: read_whole(v, self.least, self.most), faults)

    def restore(self, value: Any, default: int) -> object:
        """The number as it is."""
        return value

    def write(self, value: int) -> object:
        """The number as it is."""
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: object, default: bool, place: str, faults: list[Fault]) -> object:
        """True or false."""
        return read_at(place, value, read_flag, faults)

    def restore(self, value: Any, default: bool) -> object:
        """The flag as it is."""
        return value

    def write(self, value: bool) -> object:
        """The flag as it is."""
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an enumeration, which is that of the default."""

    def read(self, value: object, default: StrEnum, place: str, faults: list[Fault]) -> object:
        """One of the values."""
        return read_at(place, value, lambda v: read_choice(v, type(default)), faults)

    def restore(self, value: Any, default: StrEnum) -> object:
        """The value. Raises ValueError for one that only newer code knows."""
        return type(default)(value)

    def write(self, value: StrEnum) -> object:
        """The text of the value."""
        return value.value


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts by currency, none of them negative."""

    def read(self, value: object, default: object, place: str, faults: list[Fault]) -> object:
        """A mapping of currency to amount."""
        return read_amounts(value, place, faults)

    def restore(self, value: Any, default: object) -> object:
        """The amounts."""
        return {currency: Decimal(amount) for currency, amount in value.items()}

    def write(self, value: Mapping[str, Decimal]) -> object:
        """The amounts as text, without exponents."""
        return {currency: format(amount, "f") for currency, amount in value.items()}


@dataclass(frozen=True, slots=True)
class RisingDays:
    """Days of which each is above the one before it."""

    def read(self, value: object, default: object, place: str, faults: list[Fault]) -> object:
        """A list of days."""
        if not isinstance(value, list | tuple):
            reason = f"must be a list of days such as [2, 4, 6], not {shown(value)}"
            faults.append(Fault(place, reason))
            return None
        last = 0
        for i, written in enumerate(value):
            there = f"{place}[{i}]"
            day = read_at(there, written, lambda v: read_whole(v, 1), faults)
            if day is not None and day <= last:
                faults.append(Fault(there, f"{day} does not rise; allowed is more than {last}"))
            last = max(last, day or 0)
        return tuple(value)

    def restore(self, value: Any, default: object) -> object:
        """The days."""
        return tuple(value)

    def write(self, value: tuple[int, ...]) -> object:
        """The days as a list."""
        return list(value)


@dataclass(frozen=True, slots=True)
class Group:
    """Settings inside a setting."""

    def read(self, value: object, default: Settings, place: str, faults: list[Fault]) -> object:
        """The default with what the value names."""
        return read_settings(value, default, place, faults)

    def restore(self, value: Any, default: Settings) -> object:
        """The default with what the value names, and keys of newer code."""
        return restore_settings(value, default)

    def write(self, value: Settings) -> object:
        """A mapping with every key."""
        return write_settings(value)


def read_settings(document: object, defaults: S, place: str, faults: list[Fault]) -> S:
    """The defaults with what the document names. A key that is wrong keeps its default.

    What is wrong joins `faults`: unknown keys, wrong types, numbers out of bounds.
    """
    if not isinstance(document, Mapping):
        faults.append(Fault(place, f"must be a mapping of settings, not {shown(document)}"))
        return defaults
    kinds = kinds_of(type(defaults))
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key not in kinds:
            faults.append(unknown_key(place, key, list(kinds)))
            continue
        before = len(faults)
        found = kinds[key].read(value, getattr(defaults, key), f"{place}.{key}", faults)
        if len(faults) == before:
            values[key] = found
    return replace(defaults, **values)


def restore_settings(document: Mapping[str, Any], defaults: S) -> S:
    """The defaults with what a stored document names. Keys of newer code are kept in `newer`."""
    kinds = kinds_of(type(defaults))
    values: dict[str, Any] = {
        key: kinds[key].restore(value, getattr(defaults, key))
        for key, value in document.items()
        if key in kinds
    }
    newer = {key: value for key, value in document.items() if key not in kinds}
    return replace(defaults, **values, newer=newer)


def write_settings(settings: Settings) -> dict[str, Any]:
    """Every key as JSON, and the keys of newer code as they were."""
    kinds = kinds_of(type(settings))
    known = {key: kind.write(getattr(settings, key)) for key, kind in kinds.items()}
    return known | dict(settings.newer)


_KINDS: dict[type[Settings], Mapping[str, Setting]] = {}


def kinds_of(group: type[Settings]) -> Mapping[str, Setting]:
    """The keys of a group of settings in their order, each with its kind."""
    if group not in _KINDS:
        hints = get_type_hints(group, include_extras=True)
        _KINDS[group] = {
            key: kind for key, hint in hints.items() for kind in getattr(hint, "__metadata__", ())
        }
    return _KINDS[group]
