"""The policy: every number and choice of the rule book that a seller may set (Rule 14).

Owns the keys. Each is described in one place, its field: the default, the kind and the bounds.
Owns also the checks between keys. When which version of a policy is in force is not known here.
Days are whole local days unless the name says hours.

Worked example: ``{renewal_lead_days: 10, retry_days: [1, 5]}`` renews on E - 10 and retries on
E - 9 and E - 5. All other keys are as in Rule 14.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from core.domain.fault_places import shown, whole
from core.domain.faults import Fault, Faults
from core.domain.setting_kinds import (
    Amounts,
    Choice,
    Flag,
    Group,
    RisingDays,
    Settings,
    Whole,
    read_settings,
    restore_settings,
    write_settings,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Settings):
    """The last day a number is held, counted from the day it was given up (Rule 10.2)."""

    expired: Annotated[int, Whole()]
    terminated: Annotated[int, Whole()]
    swapped: Annotated[int, Whole()]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberHoldDays(Settings):
    """The holds of normal and of ported-in numbers (Rule 10.2)."""

    normal: Annotated[Hold, Group()] = Hold(expired=56, terminated=28, swapped=1)
    ported_in: Annotated[Hold, Group()] = Hold(expired=84, terminated=56, swapped=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Settings):
    """Every setting with its kind, its bounds and its default (Rule 14)."""

    renewal_lead_days: Annotated[int, Whole(1, 27)] = 7
    legacy_renewal_lead_days: Annotated[int, Whole(1, 27)] = 8
    renewal_notice_days: Annotated[int, Whole(1)] = 7
    expiring_notice_days: Annotated[int, Whole(1)] = 3
    retry_days: Annotated[tuple[int, ...], RisingDays()] = (2, 4, 6)
    reactivation_days: Annotated[int, Whole()] = 28
    number_hold_days: Annotated[NumberHoldDays, Group()] = NumberHoldDays()
    rebuy_grace_hours: Annotated[int, Whole()] = 24
    reservation_days: Annotated[int, Whole()] = 28
    auto_top_up_daily_cap: Annotated[Mapping[str, Decimal], Amounts()] = field(
        default_factory=dict, hash=False
    )
    late_renewal_days: Annotated[int, Whole(0, 27)] = 7
    refund_window_days: Annotated[int, Whole()] = 14
    refund_allowed: Annotated[bool, Flag()] = True
    refund_admin_fee: Annotated[Mapping[str, Decimal], Amounts()] = field(
        default_factory=dict, hash=False
    )
    group_renewal: Annotated[GroupRenewal, Choice()] = GroupRenewal.TOGETHER
    retry_on_top_up: Annotated[bool, Flag()] = True
    trial_end: Annotated[TrialEnd, Choice()] = TrialEnd.EXPIRE
    max_licences: Annotated[int, Whole()] = 500
    seller_wallet: Annotated[bool, Flag()] = False
    min_cycle_months: Annotated[int, Whole()] = 1
    notify: Annotated[Notify, Choice()] = Notify.CUSTOMER
    account_closing_days: Annotated[int, Whole()] = 30

    def lead(self, legacy: bool) -> int:
        """How many days before *E* a subscription renews (Rule 1.5)."""
        return self.legacy_renewal_lead_days if legacy else self.renewal_lead_days


DEFAULT = Policy()


def load(document: object, place: str = "policy") -> Policy:
    """Read a policy that a person wrote. Keys that it does not name keep their defaults (Rule 14).

    Raises `Faults` with every fault: unknown keys, wrong types, numbers out of bounds, retry days
    that do not rise or exceed the smaller lead.
    """
    faults: list[Fault] = []
    policy = read_settings(document, DEFAULT, place, faults)
    if isinstance(document, Mapping):
        _check_retries_fit(document, policy, place, faults)
    if faults:
        raise Faults(faults)
    return policy


def restore(document: Mapping[str, Any]) -> Policy:
    """Read a policy that `document` wrote, perhaps in newer or older code (Rule 14).

    Bounds are not checked. Keys that this code does not know are kept, and `document` writes them
    back. So workers of two versions can run side by side. Raises ValueError for a value of a known
    key that only newer code knows.
    """
    return restore_settings(document, DEFAULT)


def document(policy: Policy) -> dict[str, Any]:
    """The policy as JSON with every key, so that a stored version outlives a changed default."""
    return write_settings(policy)


def _check_retries_fit(
    document: Mapping[Any, Any], policy: Policy, place: str, faults: list[Fault]
) -> None:
    """No attempt is made after *E*, whichever lead a subscription has (Rule 1.5).

    Only days and leads that could be read are compared.
    """
    wrong = {fault.place for fault in faults}
    leads = [
        getattr(policy, key)
        for key in ("renewal_lead_days", "legacy_renewal_lead_days")
        if f"{place}.{key}" not in wrong
    ]
    days = document.get("retry_days", policy.retry_days)
    if not leads or not isinstance(days, list | tuple):
        return
    for i, day in enumerate(days):
        if whole(day) and day > min(leads):
            reason = f"{shown(day)} exceeds the smaller lead; at most {min(leads)} days are allowed"
            faults.append(Fault(f"{place}.retry_days[{i}]", reason))
