"""Which prices are in force on a day (Rule 3.5).

Owns the versions of one SKU and their order in time. What the SKU is (its kind, its months) is
with `core.domain.catalog`, and so is the reading of versions from a document.

Worked example: PRO-M costs 50.00 USD and 45.00 EUR. A version from 2021-03-01 names 60.00 USD. So
PRO-M costs 50.00 USD on 2021-02-28, 60.00 USD from 2021-03-01 on, and 45.00 EUR on all days.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What an entry of the catalogue names. What it does not name stays as it was (Rule 3.5).

    `since`: the first local day on which it holds. None means always.
    `prices`: per unit and base cycle by currency, unrounded (Rule 3.1).
    `costs`: what the seller pays its supplier, in the same way (Rule 3.1).
    `activation_fee`: of one number, by currency (Rule 10.1).
    `trial_days`: how long a trial lasts (Rule 4.3).
    `refundable`: whether the SKU allows refunds (Rule 8.2).
    """

    since: date | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    costs: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    activation_fee: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    trial_days: int | None = None
    refundable: bool | None = None

    def followed_by(self, later: "Version") -> "Version":
        """What is in force once the `later` version holds. Prices change currency by currency."""
        return Version(
            since=later.since,
            prices={**self.prices, **later.prices},
            costs={**self.costs, **later.costs},
            activation_fee={**self.activation_fee, **later.activation_fee},
            trial_days=self.trial_days if later.trial_days is None else later.trial_days,
            refundable=self.refundable if later.refundable is None else later.refundable,
        )


class Timeline:
    """The versions of one SKU in the order of their days. A look-up is a bisection."""

    __slots__ = ("_days", "_states")

    def __init__(self, versions: Iterable[Version]) -> None:
        self._days: list[date] = []
        self._states = [Version()]
        for version in sorted(versions, key=lambda v: v.since or date.min):
            self._days.append(version.since or date.min)
            self._states.append(self._states[-1].followed_by(version))

    def on(self, day: date) -> Version:
        """What is in force on a local day. Before the first version it is an empty version."""
        return self._states[bisect_right(self._days, day)]
