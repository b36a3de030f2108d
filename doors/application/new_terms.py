"""New terms: a version of the policy, or entries of the catalogue, put in force (Rules 3.5, 14).

Every door puts them in force here, so each change is in the audit with what it has changed. Two who
edit at once are told: a change names the state that it was made from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from core.domain import catalog as catalogs
from core.domain import policy as policies
from core.domain.policy import Policy
from core.ledger import audit, sellers, stored_terms
from core.ledger.stored_terms import ensure_policy
from core.ledger.tables import PolicyVersion, Seller

MOST_RECORDED = 20
"""So many entries of the catalogue are whole in one record of the audit. The others are counted."""


class TermsChanged(Exception):
    """The terms have changed since a change was made. `now`: their state."""

    def __init__(self, now: int) -> None:
        super().__init__(f"the terms have changed; their state is {now} now")
        self.now = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many entries are new in the catalogue. `revision`: how many there are now."""

    new: int
    revision: int


def put_policy(
    connection: Connection,
    seller: str,
    policy: Policy,
    *,
    seen: int | None = None,
    request_id: str | None = None,
) -> int:
    """Put a policy in force. Returns its version (Rule 14).

    `seen`: the version in force that the change was made from, 0 for the defaults. None: any.
    `request_id`: for the audit, default none.

    The policy in force is not stored again. Raises `TermsChanged`.
    """
    sellers.ensure(connection, seller)
    _, version = states(connection, seller)
    if seen is not None and seen != version:
        raise TermsChanged(version)
    query = select(PolicyVersion.document).where(
        PolicyVersion.seller == seller, PolicyVersion.version == version
    )
    was = connection.execute(query).scalar() or policies.document(policies.DEFAULT)
    found = stored_terms.add_policy(connection, seller, policy)
    if found != version:
        then = policies.document(policy)
        keys = [key for key, value in then.items() if was.get(key) != value]
        audit.add(
            connection,
            seller,
            "set_policy",
            subject=policy_subject(found),
            request_id=request_id,
            before={"version": version, **{key: was.get(key) for key in keys}},
            after={"version": found, **{key: then[key] for key in keys}},
        )
    return found


def new_entries(
    entries: Sequence[object], stored: Sequence[Mapping[str, Any]], place: str = "catalog"
) -> list[dict[str, Any]]:
    """The entries that are not `stored` yet, checked as a whole with those that are.

    `place`: where the entries stand, for faults.

    A later version may stand alone, if its SKU is stored. Raises `Faults` with every fault.
    """
    known = {
        i
        for i, entry in enumerate(entries)
        if isinstance(entry, dict) and stored_terms.plain(entry) in stored
    }
    catalogs.load(entries, place, stored, skipped=known)
    return [entry for i, entry in enumerate(entries) if i not in known and isinstance(entry, dict)]


def add_entries(
    connection: Connection,
    seller: str,
    entries: Sequence[Mapping[str, Any]],
    *,
    seen: int | None = None,
    request_id: str | None = None,
) -> Added:
    """Add entries to the catalogue: SKUs, and later versions of SKUs (Rule 3.5).

    `seen`: the revision that the change was made from. None: any.
    `request_id`: for the audit, default none.

    Entries that are there already are skipped. Raises `TermsChanged`, and `Faults` when the whole
    would contradict itself.
    """
    ensure_policy(connection, seller)
    revision, _ = states(connection, seller)
    if seen is not None and seen != revision:
        raise TermsChanged(revision)
    new = stored_terms.add_catalog(connection, seller, map(dict, entries))
    if new:
        audit.add(
            connection,
            seller,
            "add_catalog_entries",
            subject=catalog_subject(revision + new),
            request_id=request_id,
            before={"revision": revision},
            after=_recorded(entries, new, revision + new),
        )
    return Added(new=new, revision=revision + new)


def states(connection: Connection, seller: str) -> tuple[int, int]:
    """The revision of the catalogue and the version of the policy, with the lock of both."""
    query = select(Seller.catalog_revision, Seller.policy_version).where(Seller.id == seller)
    row = connection.execute(query.with_for_update()).one()
    return row.catalog_revision, row.policy_version


def policy_subject(version: int) -> str:
    """A version of the policy in the audit."""
    return f"policy/{version}"


def catalog_subject(revision: int) -> str:
    """A revision of the catalogue in the audit."""
    return f"catalog/{revision}"


def _recorded(entries: Sequence[Mapping[str, Any]], new: int, revision: int) -> dict[str, Any]:
    first = [stored_terms.plain(dict(entry)) for entry in entries[:MOST_RECORDED]]
    return {"revision": revision, "new": new, "entries": first}
