"""The SKUs of an import: those of the catalogue, and those that the rows of the file add."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.domain import catalog as catalogs
from core.domain.catalog import LONGEST_NAME, PRIMARY, Catalog, SkuKind
from core.domain.commands.purchase import MOST_NUMBERS
from core.domain.fault_places import shown
from core.domain.money import LARGEST, MOST_DIGITS, plain
from core.domain.numbers import Wanted
from core.domain.policy import Policy
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True)
class Offer:
    """What a row buys: a SKU, its months, and the price of one unit for a cycle."""

    sku: str
    months: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class NewSku:
    """A SKU that the catalogue does not have yet."""

    months: int
    application: str | None
    prices: dict[str, Decimal]


@dataclass(slots=True)
class ImportedSkus:
    """The catalogue and the policy in force, and the SKUs that the file adds.

    A row that does not name its SKU has one for its application, length, price and currency.
    """

    catalog: Catalog
    policy: Policy
    new: dict[str, NewSku] = field(default_factory=dict)

    def offer(self, values: dict[str, Any], today: date) -> Offer:
        """What a row buys. Raises ValueError if it contradicts the catalogue or an earlier row."""
        sku, months, price, currency = (
            values.get("sku"),
            values.get("months"),
            values.get("price"),
            values["currency"],
        )
        if months is None and sku is not None and sku in self.catalog:
            months = self.catalog.months(sku)
        if price is None and months is not None and "monthly_price" in values:
            price = values["monthly_price"] * months
        if price is not None and price >= LARGEST:
            raise ValueError(f"price: {price:f} is too large; a price is below 10^{MOST_DIGITS}")
        if sku is None and months is not None and price is not None:
            sku = _name_of_sku(values.get("application"), months, price, currency)
        if sku is not None and months is not None:
            if sku in self.catalog:
                return self._known(sku, months, price, values.get("application"), currency, today)
            if price is not None:
                return self._add(Offer(sku, months, price), values.get("application"), currency)
        raise ValueError(
            f"sku: {shown(sku)} is not in the catalogue, so months and price are needed"
            if sku
            else "months or price: missing"
        )

    def addons(self, values: dict[str, Any], today: date) -> dict[str, int]:
        """The add-ons of a row. Raises ValueError unless the catalogue sells them (Rule 3.3)."""
        found: dict[str, int] = {}
        for sku, quantity in values.get("addons", ()):
            self._check_extra("addons", sku, SkuKind.ADDON, values["currency"], today)
            found[sku] = found.get(sku, 0) + quantity
            if found[sku] > self.policy.max_licences:
                most = f"at most {self.policy.max_licences} licences of {sku} are allowed"
                raise ValueError(f"addons: {most}, not {found[sku]} (rule {Rule.LICENCES})")
        return found

    def numbers(self, values: dict[str, Any], today: date) -> tuple[Wanted, ...]:
        """The numbers of a row. Raises ValueError unless the catalogue sells their SKUs."""
        found: tuple[Wanted, ...] = values.get("numbers", ())
        for sku in sorted({one.sku for one in found}):
            self._check_extra("number_sku", sku, SkuKind.NUMBER, values["currency"], today)
        if len(found) > MOST_NUMBERS:
            most = f"at most {MOST_NUMBERS} numbers are allowed, not {len(found)}"
            raise ValueError(f"numbers: {most}")
        if len({one.number for one in found}) < len(found):
            raise ValueError("numbers: one of them stands twice")
        return found

    def _check_extra(self, field: str, sku: str, kind: SkuKind, currency: str, today: date) -> None:
        """Raises ValueError unless the catalogue sells what comes beside the primary SKU."""
        if sku not in self.catalog or self.catalog.kind(sku) is not kind:
            there = [one.sku for one in self.catalog.skus if one.kind is kind]
            known = f"there are {', '.join(there[:10])}" if there else "there are none"
            raise ValueError(
                f"{field}: {shown(sku)} is no {kind} SKU of the catalogue; {known}; "
                "`catalog import` adds SKUs"
            )
        if self.catalog.price(sku, currency, today) is None:
            raise ValueError(f"{field}: {sku} has no price in {currency}")

    def entries(self) -> list[dict[str, Any]]:
        """The new SKUs as entries of a catalogue."""
        return [
            {
                "sku": sku,
                "kind": "application",
                "months": new.months,
                "prices": {c: plain(p, c) for c, p in new.prices.items()},
                **({"application": new.application} if new.application else {}),
            }
            for sku, new in self.new.items()
        ]

    def whole(self) -> Catalog:
        """The catalogue with the new SKUs."""
        return catalogs.restore([*catalogs.entries(self.catalog), *self.entries()])

    def _known(
        self,
        sku: str,
        months: int,
        price: Decimal | None,
        application: str | None,
        currency: str,
        today: date,
    ) -> Offer:
        costs = self.catalog.price(sku, currency, today)
        if self.catalog.kind(sku) not in PRIMARY:
            raise ValueError(f"sku: {sku} is of kind {self.catalog.kind(sku)}")
        if costs is None:
            raise ValueError(f"sku: {sku} has no price in {currency}")
        there = NewSku(self.catalog.months(sku), self.catalog.application(sku), {currency: costs})
        _check_same(sku, there, months, price, application, currency, "in the catalogue")
        return Offer(sku, months, costs)

    def _add(self, offer: Offer, application: str | None, currency: str) -> Offer:
        there = self.new.get(offer.sku)
        if there is None:
            self.new[offer.sku] = NewSku(offer.months, application, {currency: offer.price})
            return offer
        _check_same(
            offer.sku, there, offer.months, offer.price, application, currency, "in an earlier row"
        )
        there.prices.setdefault(currency, offer.price)
        return offer


def _check_same(
    sku: str,
    there: NewSku,
    months: int,
    price: Decimal | None,
    application: str | None,
    currency: str,
    where: str,
) -> None:
    if months != there.months:
        raise ValueError(f"months: {sku} has {there.months} {where}, not {months}")
    if application is not None and application != there.application:
        belongs = f"{sku} belongs to {shown(there.application)} {where}"
        raise ValueError(f"application: {belongs}, not {shown(application)}")
    if price is not None and there.prices.get(currency, price) != price:
        known = plain(there.prices[currency], currency)
        costs = f"{sku} costs {known} {currency} {where}"
        raise ValueError(f"price: {costs}, not {plain(price, currency)}")


def _name_of_sku(application: str | None, months: int, price: Decimal, currency: str) -> str:
    name = f"{application or 'sku'}-{months}m-{plain(price, currency)}-{currency}"
    if len(name) > LONGEST_NAME:
        reason = "is too long for the name of a SKU; name it in a column sku"
        raise ValueError(f"application: {shown(application)} {reason}")
    return name
