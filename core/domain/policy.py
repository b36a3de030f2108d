"""The policy: every number and choice of the rule book that a seller may set (Rule 14).

Owns the defaults, the reading of a policy document with every fault at once, and its form as JSON. Which version of a policy is in
force when is not known here. Days are whole local days unless the name says hours.

Worked example: ``{renewal_lead_days: 10, retry_days: [1, 5]}`` renews on E − 10 and retries on E − 9 and E − 5; all else as in Rule 14.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.domain.faults import Fault, Faults
from core.domain.money import parse_amounts
from core.domain.places import shown, unknown_key, whole

SHORTEST_LEAD, LONGEST_LEAD = 1, 27
LARGEST_NUMBER = (
    1_000_000  # beyond it dates leave the calendar and a typing error is more likely than a wish
)


class GroupRenewal(StrEnum):
    """Whether subscriptions with one renewal date are funded together or each alone (Rule 5.2)."""

    TOGETHER = "together"
    INDEPENDENT = "independent"


class TrialEnd(StrEnum):
    """What happens to a trial at E + 1 (Rule 4.3)."""

    EXPIRE = "expire"
    CONVERT = "convert"


class Notify(StrEnum):
    """Who gets the customer notices (Rule 12)."""

    CUSTOMER = "customer"
    SELLER = "seller"
    CUSTOMER_CC_SELLER = "customer_cc_seller"


@dataclass(frozen=True, slots=True)
class Hold:
    """The last day a number is held, counted from the day it was given up (Rule 10.2)."""

    expired: int
    terminated: int
    swapped: int


@dataclass(frozen=True, slots=True)
class NumberHoldDays:
    """The holds of normal and of ported-in numbers (Rule 10.2)."""

    normal: Hold = Hold(expired=56, terminated=28, swapped=1)
    ported_in: Hold = Hold(expired=84, terminated=56, swapped=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every setting with its default (Rule 14)."""

    renewal_lead_days: int = 7
    legacy_renewal_lead_days: int = 8
    renewal_notice_days: int = 7
    expiring_notice_days: int = 3
    retry_days: tuple[int, ...] = (2, 4, 6)
    reactivation_days: int = 28
    number_hold_days: NumberHoldDays = NumberHoldDays()
    rebuy_grace_hours: int = 24
    reservation_days: int = 28
    auto_top_up_daily_cap: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    late_renewal_days: int = 7
    refund_window_days: int = 14
    refund_allowed: bool = True
    refund_admin_fee: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    group_renewal: GroupRenewal = GroupRenewal.TOGETHER
    retry_on_top_up: bool = True
    trial_end: TrialEnd = TrialEnd.EXPIRE
    max_licences: int = 500
    seller_wallet: bool = False
    min_cycle_months: int = 1
    notify: Notify = Notify.CUSTOMER
    account_closing_days: int = 30

    def lead(self, legacy: bool) -> int:
        """How many days before *E* a subscription renews (Rule 1.5)."""
        return self.legacy_renewal_lead_days if legacy else self.renewal_lead_days


DEFAULT = Policy()

_LEADS = ("renewal_lead_days", "legacy_renewal_lead_days")
_LEAST = {
    **dict.fromkeys(_LEADS, SHORTEST_LEAD),
    "renewal_notice_days": 1,
    "expiring_notice_days": 1,
}
_MOST = dict.fromkeys(_LEADS, LONGEST_LEAD)


def load(document: object, place: str = "policy") -> Policy:
    """Read a policy: what the document names differs from the defaults, the rest does not (Rule 14).

    Raises Faults with every fault: unknown keys, wrong types, numbers out of range, retry days that do not rise or exceed the smaller lead.
    """
    faults: list[Fault] = []
    values = _settings(document, place, DEFAULT, faults)
    if isinstance(document, Mapping):
        leads = [
            values.get(key, getattr(DEFAULT, key))
            for key in _LEADS
            if key in values or key not in document
        ]
        _check_retries_fit(
            document.get("retry_days", DEFAULT.retry_days), leads, f"{place}.retry_days", faults
        )
    if faults:
        raise Faults(faults)
    return Policy(**values)


def document(policy: Policy) -> dict[str, Any]:
    """The policy as JSON-able data with every key: a stored version stays what it is when a default changes. `load` reads it back."""
    return {f.name: _plain(getattr(policy, f.name)) for f in fields(policy)}


def _plain(value: object) -> object:
    match value:
        case NumberHoldDays() | Hold():
            return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        case Mapping():
            return {currency: format(amount, "f") for currency, amount in value.items()}
        case tuple():
            return list(value)
        case StrEnum():
            return value.value
        case _:
            return value


def _settings(document: object, place: str, defaults: Any, faults: list[Fault]) -> dict[str, Any]:
    """The valid settings that the document names, read by the type of their default."""
    if not isinstance(document, Mapping):
        faults.append(Fault(place, f"{shown(document)} is not a mapping of settings"))
        return {}
    known = [f.name for f in fields(defaults)]
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key not in known:
            faults.append(unknown_key(place, key, known))
            continue
        found = len(faults)
        read = _read(key, value, f"{place}.{key}", getattr(defaults, key), faults)
        if len(faults) == found:
            values[key] = read
    return values


def _read(key: str, value: object, place: str, default: Any, faults: list[Fault]) -> object:
    match default:
        case bool():
            if not isinstance(value, bool):
                faults.append(
                    Fault(place, f"{shown(value)} is not allowed; allowed are true and false")
                )
            return value
        case StrEnum():
            return _choice(value, place, type(default), faults)
        case int():
            return _number(value, place, _LEAST.get(key, 0), _MOST.get(key, LARGEST_NUMBER), faults)
        case tuple():
            return _retry_days(value, place, faults)
        case Mapping():
            return parse_amounts(value, place, faults)
        case _:  # the holds and what they hold
            return replace(default, **_settings(value, place, default, faults))


def _choice(value: object, place: str, choices: type[StrEnum], faults: list[Fault]) -> object:
    allowed = [choice.value for choice in choices]
    if isinstance(value, str) and value in allowed:
        return choices(value)
    faults.append(Fault(place, f"{shown(value)} is not allowed; allowed are {', '.join(allowed)}"))
    return None


def _number(value: object, place: str, least: int, most: int, faults: list[Fault]) -> object:
    if not whole(value):
        faults.append(
            Fault(place, f"{shown(value)} is not a whole number; allowed are {least} to {most}")
        )
    elif not least <= value <= most:
        faults.append(
            Fault(place, f"{shown(value)} is out of range; allowed are {least} to {most}")
        )
    return value


def _retry_days(value: object, place: str, faults: list[Fault]) -> object:
    if not isinstance(value, list | tuple):
        faults.append(Fault(place, f"{shown(value)} is not a list of days, such as [2, 4, 6]"))
        return None
    last = 0
    for i, day in enumerate(value):
        if not whole(day) or day < 1:
            faults.append(
                Fault(
                    f"{place}[{i}]",
                    f"{shown(day)} is not allowed; allowed are whole days from 1 to the smaller lead",
                )
            )
            continue
        if day <= last:
            faults.append(
                Fault(
                    f"{place}[{i}]",
                    f"{shown(day)} does not rise; allowed is more than {shown(last)}",
                )
            )
        last = max(last, day)
    return tuple(value)


def _check_retries_fit(days: object, leads: list[int], place: str, faults: list[Fault]) -> None:
    """No attempt is made after *E* (Rule 1.5), whichever lead a subscription has. Only valid days and leads are compared."""
    if not isinstance(days, list | tuple) or not leads:
        return
    for i, day in enumerate(days):
        if whole(day) and day > min(leads):
            faults.append(
                Fault(
                    f"{place}[{i}]",
                    f"{shown(day)} exceeds the smaller lead; allowed are at most {min(leads)} days",
                )
            )
