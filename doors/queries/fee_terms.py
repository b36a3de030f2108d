"""Which price version and which policy version a fee has used, as rows (Rules 3.5, 14).

An operation keeps the version of the policy that decided, and how many entries the catalogue had.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from core.domain.calendar import local_date
from core.domain.events import Event
from core.ledger.bulk_write import one_of, one_of_ids
from core.ledger.tables import AccountRow, CatalogEntry, History, Operation, SubscriptionRow
from doors.queries.snapshot import Snapshot

#: The keys of an entry of the catalogue.
_PRICES, _FEE = "prices", "activation_fee"
_OF_RENEWAL_DATE = (Event.RENEWED, Event.RECOVERED)


@dataclass(frozen=True, slots=True)
class Fee:
    """What an operation has charged: SKUs, by their activation fees or (default) their prices."""

    operation: int
    skus: Sequence[str]
    activation: bool = False


def terms_of(snapshot: Snapshot, fee: Fee) -> tuple[str, ...]:
    """The rows of the policy and of the catalogue that a fee has used.

    Returns such as ``policy version 3`` and ``catalogue entry 17 (PRO-M from 2021-03-01)``. Nothing
    is returned for what was charged elsewhere and imported.
    """
    return terms_of_each(snapshot, [fee])[0]


def terms_of_each(snapshot: Snapshot, fees: Sequence[Fee]) -> list[tuple[str, ...]]:
    """What `terms_of` returns for each of many fees, by three queries."""
    operations = one_of_ids(Operation.id, {fee.operation for fee in fees})
    query = (
        select(
            Operation.id,
            Operation.policy_version,
            Operation.catalog_revision,
            Operation.cycle,
            Operation.at,
            AccountRow.timezone,
            AccountRow.currency,
            SubscriptionRow.legacy,
        )
        .join(AccountRow, AccountRow.id == Operation.account)
        .outerjoin(SubscriptionRow, SubscriptionRow.id == Operation.subscription)
        .where(operations, Operation.policy_version.is_not(None))
    )
    used = {row.id: row for row in snapshot.connection.execute(query)}
    events = _events(snapshot, used)
    entries = _entries(snapshot, {sku for fee in fees for sku in fee.skus})
    return [
        _terms(snapshot, fee, used[fee.operation], events[fee.operation], entries)
        if fee.operation in used
        else ()
        for fee in fees
    ]


def _events(snapshot: Snapshot, operations: Collection[int]) -> Mapping[int, set[str]]:
    """The events of operations."""
    found = defaultdict[int, set[str]](set)
    query = select(History.operation, History.event).where(
        one_of_ids(History.operation, operations)
    )
    for row in snapshot.connection.execute(query):
        found[row.operation].add(row.event)
    return found


def _entries(snapshot: Snapshot, skus: Collection[str]) -> Mapping[str, Sequence[Any]]:
    """The entries of SKUs, by SKU. `number`: how many entries the catalogue had with this one."""
    numbered = (
        select(
            CatalogEntry.id,
            CatalogEntry.document,
            func.row_number().over(order_by=CatalogEntry.id).label("number"),
        )
        .where(CatalogEntry.seller == snapshot.seller)
        .subquery()
    )
    found = defaultdict[str, list[Any]](list)
    named = select(numbered).where(one_of(numbered.c.document["sku"].astext, sorted(skus)))
    for row in snapshot.connection.execute(named.order_by(numbered.c.id)):
        found[row.document["sku"]].append(row)
    return found


def _terms(
    snapshot: Snapshot, fee: Fee, row: Any, events: Set[str], entries: Mapping[str, Sequence[Any]]
) -> tuple[str, ...]:
    day = _priced_on(snapshot, row, events)
    amounts = _FEE if fee.activation else _PRICES
    found = [
        _entry(
            [it for it in entries[sku] if it.number <= row.catalog_revision],
            amounts,
            row.currency,
            day,
        )
        for sku in fee.skus
    ]
    return (f"policy version {row.policy_version}", *filter(None, found))


def skus_in(snapshot: Snapshot, texts: Sequence[str]) -> list[list[str]]:
    """The SKUs that the texts of invoice lines name, for each text in its order."""
    catalog = {sku.sku for sku in snapshot.catalog().skus}
    return [[word for word in text.split() if word in catalog] for text in texts]


def _priced_on(snapshot: Snapshot, row: Any, events: Set[str]) -> date:
    """The day whose prices count: the renewal date of a renewal, else the day it was done."""
    if row.cycle is not None and events & {str(event) for event in _OF_RENEWAL_DATE}:
        lead = snapshot.policy(row.policy_version).lead(row.legacy)
        day: date = row.cycle - timedelta(days=lead)
        return day
    return local_date(row.at, row.timezone)


def _entry(versions: Sequence[Any], amounts: str, currency: str, day: date) -> str | None:
    """The entry of a SKU in force on a day. Of two with one first day, the later one."""
    named = [
        (_since(it.document), number, it)
        for number, it in enumerate(versions)
        if currency in (it.document.get(amounts) or {})
    ]
    in_force = [it for it in named if it[0] <= day]
    if not in_force:
        return None
    since, _, entry = max(in_force, key=lambda it: it[:2])
    begin = "always" if since == date.min else f"from {since}"
    return f"catalogue entry {entry.id} ({entry.document['sku']} {begin})"


def _since(document: dict[str, Any]) -> date:
    since = document.get("from")
    return date.min if since is None else date.fromisoformat(since)
