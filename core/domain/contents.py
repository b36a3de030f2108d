"""What a cycle of a subscription holds, and the changes that later cycles bring (Rules 3.1, 9).

Worked example: PLAN-A, and PLAN-B from the next cycle on. The change is pending until the next
cycle is paid on 12-08. Then it holds since 12-16, the first day of that cycle. On 12-10 the
subscription is still on PLAN-A.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TypeVar, assert_never

V = TypeVar("V")


class Item(StrEnum):
    """What a change changes. A later change of the same item replaces a pending one (Rule 9)."""

    PLAN = "plan"
    CYCLE = "cycle"
    ADDON = "addon"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A change of one item that a later cycle brings (Rule 9).

    `item`, `name`: what changes. `name` is the add-on's SKU or the number, else empty.
    `sku`: the new plan, or the SKU of the number. None for a number that is removed.
    `amount`: the base months of the new plan, the new multiplier, or the quantity of the add-on. Of
    a number it is 1 when its activation fee is charged with that cycle (Rule 10.1).
    `since`: the first day of the cycle that was paid with it. None while it is pending.
    """

    item: Item
    name: str = ""
    sku: str | None = None
    amount: int = 0
    since: date | None = None

    @property
    def changes(self) -> tuple[Item, str]:
        """What changes: the item and its name."""
        return self.item, self.name

    @property
    def words(self) -> str:
        """What it brings, in words: ``the plan PRO-Y``, ``3 × SEAT``, ``no +6531``."""
        match self.item:
            case Item.PLAN:
                return f"the plan {self.sku}"
            case Item.CYCLE:
                return f"cycles of {self.amount} base cycles"
            case Item.ADDON:
                return f"{self.amount} × {self.name}" if self.amount else f"no {self.name}"
            case Item.NUMBER:
                return f"the number {self.name}" if self.sku else f"no {self.name}"
            case unreachable:
                assert_never(unreachable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the fee lines of a cycle are for (Rule 3.1).

    `sku`, `base_months`: the primary SKU and its base cycle.
    `quantity`: the licences of the primary SKU.
    `multiplier`: how many base cycles a cycle has.
    `addons`: quantities by SKU.
    `numbers`: the SKU of each number.
    """

    sku: str
    base_months: int
    quantity: int
    multiplier: int
    addons: Mapping[str, int]
    numbers: Mapping[str, str]

    @property
    def cycle_months(self) -> int:
        """The months of a cycle (Rule 3.1)."""
        return self.base_months * self.multiplier

    def with_change(self, change: Coming) -> "Contents":
        """These contents after one change."""
        if change.item is Item.PLAN:
            assert change.sku is not None
            return replace(self, sku=change.sku, base_months=change.amount)
        if change.item is Item.CYCLE:
            return replace(self, multiplier=change.amount)
        if change.item is Item.ADDON:
            return replace(self, addons=_changed(self.addons, change.name, change.amount))
        return replace(self, numbers=_changed(self.numbers, change.name, change.sku))

    def with_changes(self, changes: Iterable[Coming]) -> "Contents":
        """These contents after changes, in their order."""
        contents = self
        for change in changes:
            contents = contents.with_change(change)
        return contents


def _changed(values: Mapping[str, V], name: str, value: V | None) -> dict[str, V]:
    """The values with a new one under the name. No value, or zero, takes it away."""
    rest = {key: old for key, old in values.items() if key != name}
    return {**rest, name: value} if value else rest
