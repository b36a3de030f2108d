"""Policies and catalogues, as loaded (Rules 3.5, 14).

Versions are never changed, so a process keeps in memory what it has read once.
"""

import json
from collections.abc import Iterable
from threading import Lock
from typing import Any

from sqlalchemy import Connection, insert, select, update

from core.domain import catalog as catalogs
from core.domain import policy as policies
from core.domain.catalog import Catalog
from core.domain.policy import Policy
from core.ledger import sellers
from core.ledger.bulk_write import insert_all
from core.ledger.tables import CatalogEntry, PolicyVersion, Seller


class References:
    """What a process remembers of the sellers' policies and catalogues."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._policies: dict[tuple[str, int], Policy] = {}
        self._catalogs: dict[str, tuple[int, Catalog]] = {}

    def policy(self, connection: Connection, seller: str, version: int) -> Policy:
        """One version of a seller's policy."""
        if found := self._policies.get((seller, version)):
            return found
        document = connection.execute(
            select(PolicyVersion.document).where(
                PolicyVersion.seller == seller, PolicyVersion.version == version
            )
        ).scalar_one()
        with self._lock:
            return self._policies.setdefault((seller, version), policies.restore(document))

    def catalog(self, connection: Connection, seller: str, revision: int) -> Catalog:
        """A seller's catalogue, at least as new as this revision."""
        known = self._catalogs.get(seller)
        if known and known[0] >= revision:
            return known[1]
        catalog = catalogs.restore(stored_entries(connection, seller))
        with self._lock:
            self._catalogs[seller] = (revision, catalog)
        return catalog


def stored_entries(connection: Connection, seller: str) -> list[dict[str, Any]]:
    """The catalogue's entries in the order in which they were loaded."""
    rows = connection.execute(
        select(CatalogEntry.document).where(CatalogEntry.seller == seller).order_by(CatalogEntry.id)
    )
    return list(rows.scalars())


def add_policy(connection: Connection, seller: str, policy: Policy) -> int:
    """Store a new version of a seller's policy and put it in force. Returns the version.

    A new seller is created. The policy in force is not stored again.
    """
    sellers.ensure(connection, seller)
    current = connection.execute(
        select(Seller.policy_version).where(Seller.id == seller).with_for_update()
    ).scalar_one()
    document = policies.document(policy)
    if current:
        same = select(PolicyVersion.document).where(
            PolicyVersion.seller == seller, PolicyVersion.version == current
        )
        if connection.execute(same).scalar_one() == document:
            return current
    connection.execute(
        insert(PolicyVersion).values(seller=seller, version=current + 1, document=document)
    )
    connection.execute(update(Seller).where(Seller.id == seller).values(policy_version=current + 1))
    return current + 1


def ensure_policy(connection: Connection, seller: str) -> None:
    """Create the seller with the default policy, unless it has a policy (Rule 14)."""
    query = select(Seller.policy_version).where(Seller.id == seller)
    if connection.execute(query).scalar():
        return
    sellers.ensure(connection, seller)
    # Another transaction may have put a policy in force meanwhile. It stays.
    if not connection.execute(query.with_for_update()).scalar_one():
        add_policy(connection, seller, policies.DEFAULT)


def add_catalog(connection: Connection, seller: str, entries: Iterable[dict[str, Any]]) -> int:
    """Add entries to a seller's catalogue, and return how many are new.

    Entries that exist are skipped. Raises `Faults` when the whole would contradict itself. The
    seller must exist (`add_policy`).
    """
    connection.execute(select(Seller.id).where(Seller.id == seller).with_for_update()).scalar_one()
    stored = stored_entries(connection, seller)
    there = {_as_text(entry) for entry in stored}
    new = [entry for entry in map(plain, entries) if _as_text(entry) not in there]
    catalogs.load(new, stored=stored)
    if new:
        insert_all(
            connection, CatalogEntry, [{"seller": seller, "document": entry} for entry in new]
        )
        connection.execute(
            update(Seller)
            .where(Seller.id == seller)
            .values(catalog_revision=Seller.catalog_revision + len(new))
        )
    return len(new)


def _as_text(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, default=str)


def plain(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the catalogue as it is stored: days as text."""
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in entry.items()
    }
