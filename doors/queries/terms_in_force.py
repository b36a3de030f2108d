"""What a seller sells, and by which terms: in force, and every version before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.domain.catalog import Catalog
from core.domain.policy import Policy
from core.ledger.ledger import Ledger
from core.ledger.tables import CatalogEntry, PolicyVersion
from doors.queries.pages import stream
from doors.queries.snapshot import NotFound, open_snapshot

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntryLine:
    """An entry of the catalogue as it was loaded. `position`: its place in the order of loading."""

    position: int
    entry: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionLine:
    """A version of the policy. `in_force`: whether it is the one in force."""

    version: int
    in_force: bool


def catalog_in_force(ledger: Ledger) -> Catalog:
    """The seller's newest catalogue."""
    with open_snapshot(ledger) as snapshot:
        return snapshot.catalog()


def catalog_entries(ledger: Ledger, *, after: int | None = None) -> Iterator[CatalogEntryLine]:
    """The entries of the seller's catalogue as they were loaded, read page by page."""
    query = (
        select(CatalogEntry.id, CatalogEntry.document)
        .where(CatalogEntry.seller == ledger.seller)
        .order_by(CatalogEntry.id)
        .limit(_PAGE)
    )

    def read(last: int | None) -> tuple[list[CatalogEntryLine], int | None]:
        page = query if last is None else query.where(CatalogEntry.id > last)
        with ledger.read() as connection:
            rows = connection.execute(page).all()
        found = [CatalogEntryLine(position=row.id, entry=row.document) for row in rows]
        return found, found[-1].position if len(found) == _PAGE else None

    return stream(read, after)


def versions_in_force(ledger: Ledger) -> tuple[int, int]:
    """The newest catalogue and the policy in force, as numbers. Zero if none is loaded."""
    with open_snapshot(ledger) as snapshot:
        return snapshot.versions_in_force()


def policy_in_force(ledger: Ledger) -> tuple[int, Policy]:
    """The version of the seller's policy in force, and the policy. Version 0 is the defaults."""
    with open_snapshot(ledger) as snapshot:
        _, version = snapshot.versions_in_force()
        return version, snapshot.policy(version)


def policy_versions(ledger: Ledger, *, after: int | None = None) -> Iterator[PolicyVersionLine]:
    """The versions of the seller's policy, the newest first. `after`: only older ones."""
    with open_snapshot(ledger) as snapshot:
        _, newest = snapshot.versions_in_force()
    first = newest if after is None else min(newest, after - 1)
    return (
        PolicyVersionLine(version=version, in_force=version == newest)
        for version in range(first, 0, -1)
    )


def find_policy(ledger: Ledger, version: int) -> Policy:
    """A version of the seller's policy. Raises NotFound."""
    query = select(PolicyVersion.version).where(
        PolicyVersion.seller == ledger.seller, PolicyVersion.version == version
    )
    with open_snapshot(ledger) as snapshot:
        if snapshot.connection.execute(query).first() is None:
            raise NotFound(f"there is no version {version} of the policy")
        return snapshot.policy(version)
