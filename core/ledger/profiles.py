"""What documents show of sellers and customers, and taxes: versions that are never changed.

The newest version is the one in force. An invoice fixes its versions when it gets its number
(`activities.number_invoices`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    ScalarSelect,
    func,
    insert,
    select,
)

from core.domain.languages import Language
from core.domain.profiles import CustomerProfile, SellerProfile
from core.domain.taxes import Shown, TaxRate
from core.ledger.tables import CustomerProfileRow, Seller, SellerProfileRow, TaxRateRow

P = TypeVar("P", SellerProfile, CustomerProfile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version(Generic[P]):
    """A version of a profile: its number, when it came into force (UTC), and who asked."""

    version: int
    at: datetime
    actor: str
    profile: P


def seller_from(
    seller: str, document: Mapping[str, str] | None, logo: bytes | None
) -> SellerProfile:
    """A seller's profile from its row. Without a name, the seller's id is the name."""
    profile = SellerProfile(**_known(SellerProfile, document or {}), logo=logo)
    return profile if profile.name else replace(profile, name=seller)


def customer_from(document: Mapping[str, str] | None) -> CustomerProfile:
    """A customer's profile from its row. Empty without one."""
    values = dict(_known(CustomerProfile, document or {}))
    language = Language(values.pop("language", Language.ENGLISH))
    return CustomerProfile(**values, language=language)


def seller_profile(connection: Connection, seller: str) -> SellerProfile:
    """The seller's profile in force. Its name is the seller's id while none was set."""
    found = seller_versions(connection, seller, 1)
    return found[0].profile if found else SellerProfile(name=seller)


def customer_profile(connection: Connection, account: str) -> CustomerProfile:
    """The customer's profile in force. Empty while none was set."""
    found = customer_versions(connection, account, 1)
    return found[0].profile if found else CustomerProfile()


def newest_document(
    table: type[SellerProfileRow] | type[CustomerProfileRow], mine: ColumnElement[bool]
) -> ScalarSelect[Any]:
    """A column of a query: the document of the profile in force, without a logo. NULL: none.

    `seller_from` and `customer_from` read it.
    """
    newest = select(table.document).where(mine).order_by(table.version.desc()).limit(1)
    return newest.scalar_subquery()


def seller_versions(
    connection: Connection, seller: str, limit: int = 100
) -> list[Version[SellerProfile]]:
    """The newest versions of the seller's profile, newest first."""

    def profile(row: Row[Any]) -> SellerProfile:
        return seller_from(seller, row.document, row.logo)

    mine = SellerProfileRow.seller == seller
    return _versions(connection, SellerProfileRow, mine, limit, profile)


def customer_versions(
    connection: Connection, account: str, limit: int = 100
) -> list[Version[CustomerProfile]]:
    """The newest versions of the customer's profile, newest first."""

    def profile(row: Row[Any]) -> CustomerProfile:
        return customer_from(row.document)

    mine = CustomerProfileRow.account == account
    return _versions(connection, CustomerProfileRow, mine, limit, profile)


def _versions(
    connection: Connection,
    table: type[SellerProfileRow] | type[CustomerProfileRow],
    mine: ColumnElement[bool],
    limit: int,
    profile: Callable[[Row[Any]], P],
) -> list[Version[P]]:
    query = select(table.__table__).where(mine).order_by(table.version.desc()).limit(limit)
    return [
        Version(version=row.version, at=row.at, actor=row.actor, profile=profile(row))
        for row in connection.execute(query)
    ]


def lock_seller(connection: Connection, seller: str) -> None:
    """Lock the seller's profile until the end of the transaction."""
    lock = select(Seller.id).where(Seller.id == seller).with_for_update(key_share=True)
    connection.execute(lock)


def add_seller_profile(
    connection: Connection, seller: str, profile: SellerProfile, *, at: datetime, actor: str
) -> int:
    """Put a version of the seller's profile in force, and return its number.

    The seller must exist. Its row is the lock. The profile in force is not stored again.
    """
    lock_seller(connection, seller)
    newest = seller_versions(connection, seller, 1)
    if newest and newest[0].profile == profile:
        return newest[0].version
    version = newest[0].version + 1 if newest else 1
    connection.execute(
        insert(SellerProfileRow).values(
            seller=seller,
            version=version,
            document=_document(profile),
            logo=profile.logo,
            at=at,
            actor=actor,
        )
    )
    return version


def add_customer_profile(
    connection: Connection, account: str, profile: CustomerProfile, *, at: datetime, actor: str
) -> None:
    """Put a version of a customer's profile in force. The account's row must be locked."""
    last = select(func.coalesce(func.max(CustomerProfileRow.version), 0)).where(
        CustomerProfileRow.account == account
    )
    connection.execute(
        insert(CustomerProfileRow).values(
            account=account,
            version=connection.execute(last).scalar_one() + 1,
            document=_document(profile),
            at=at,
            actor=actor,
        )
    )


def add_tax_rate(
    connection: Connection, seller: str, rate: TaxRate, *, at: datetime, actor: str
) -> None:
    """Add a rate. The seller must exist."""
    values = {name.name: getattr(rate, name.name) for name in fields(TaxRate)}
    values |= {"shown": str(rate.shown), "seller": seller, "at": at, "actor": actor}
    connection.execute(insert(TaxRateRow).values(values))


def tax_rates(connection: Connection, seller: str, limit: int = 1000) -> list[TaxRate]:
    """The seller's tax rates by country and first day, at most so many.

    Of rates that begin on one day, the last one stands last and counts.
    """
    table = TaxRateRow
    query = (
        select(table.country, table.since, table.percent, table.name, table.shown)
        .where(table.seller == seller)
        .order_by(table.country, table.since, table.id)
        .limit(limit)
    )
    return [tax_from(row._mapping) for row in connection.execute(query)]


def tax_from(row: RowMapping) -> TaxRate:
    """A rate from the columns of its row."""
    return TaxRate(
        country=row["country"],
        since=row["since"],
        percent=row["percent"],
        name=row["name"],
        shown=Shown(row["shown"]),
    )


def _document(profile: SellerProfile | CustomerProfile) -> dict[str, str]:
    """What is known, as JSON. The logo has a column of its own."""
    values = {name.name: getattr(profile, name.name) for name in fields(profile)}
    return {key: str(value) for key, value in values.items() if key != "logo" and value}


def _known(kind: type[Any], document: Mapping[str, str]) -> Mapping[str, str]:
    """The values that this version of the code knows. Newer code may have written others."""
    names: Iterable[str] = (name.name for name in fields(kind))
    return {name: document[name] for name in names if name in document}
