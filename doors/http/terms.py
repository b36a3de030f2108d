"""What is sold and on which terms: the catalogue and the policy (Rules 3.5, 14)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from core.domain import catalog, policy
from core.domain.fault_places import shown
from core.domain.inputs import wrong
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import ensure_policy, stored_entries
from doors.application import new_terms
from doors.http import etags
from doors.http.callers import Calling
from doors.http.etags import IfMatch
from doors.http.forms import Field, Form, listed, mapping
from doors.http.once import in_transaction, kept, once, told
from doors.http.pages import Listed, page_of
from doors.http.parameters import USUAL_ROWS, AfterPosition, IdempotencyKey, Limit, Version
from doors.http.routes import Answer, Routes
from doors.queries.terms_in_force import (
    CatalogEntryLine,
    PolicyVersionLine,
    catalog_entries,
    catalog_in_force,
    find_policy,
    policy_in_force,
    policy_versions,
    versions_in_force,
)

MOST_ENTRIES = 1000
"""So many entries of the catalogue are in one request at most."""

ENTRY: Mapping[str, Any] = {
    "type": "object",
    "required": ["sku"],
    "description": "A SKU, or a later version of one with `from` (docs/scenario.md).",
}
ENTRIES = listed(
    "SKUs, and later versions of SKUs. Known entries stay.", mapping, ENTRY, MOST_ENTRIES
)
ADD = Form(
    "NewCatalogEntries",
    {"entries": replace(ENTRIES, required=True)},
    example={
        "entries": [
            {
                "sku": "TEAM",
                "kind": "application",
                "application": "suite",
                "months": 1,
                "prices": {"USD": "12.00"},
            }
        ]
    },
)


def _policy(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        wrong(f"must be an object of settings, not {shown(value)}")
    return value


POLICY = Field(
    _policy, {"type": "object", "description": "What differs from the defaults (Rule 14)."}
)
PUT = Form(
    "NewPolicy",
    {"policy": replace(POLICY, required=True)},
    example={"policy": {"max_licences": 400}},
)

routes = Routes("terms")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogInForce:
    """What is sold: the entries of the catalogue as they were loaded, with all their versions."""

    entries: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """The terms in force (Rule 14). Version 0 is the defaults."""

    version: int
    policy: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many entries are new in the catalogue. `revision`: how many entries there are now."""

    new: int
    revision: int


@routes.get("/catalog", "show_catalog", CatalogInForce, etag=True)
async def show_catalog(caller: Calling) -> Answer:
    """What is sold, with every version of the prices. `ETag` is the state of the catalogue."""
    revision, _ = await caller.read(versions_in_force)
    found = await caller.read(catalog_in_force)
    return Answer(CatalogInForce(entries=catalog.entries(found)), headers={"ETag": f'"{revision}"'})


@routes.get("/catalog-entries", "list_catalog_entries", Listed[CatalogEntryLine])
async def list_catalog_entries(
    caller: Calling, after: AfterPosition = None, limit: Limit = USUAL_ROWS
) -> Listed[CatalogEntryLine]:
    """The entries of the catalogue as they were loaded, in the order of loading."""

    def read(ledger: Ledger) -> Listed[CatalogEntryLine]:
        return page_of(catalog_entries(ledger, after=after), limit, lambda row: row.position)

    return await caller.read(read)


@routes.write("POST", "/catalog-entries", "add_catalog_entries", Added, ADD, etag=True)
async def add_catalog_entries(
    caller: Calling, request: Request, key: IdempotencyKey, if_match: IfMatch = None
) -> Answer:
    """Add SKUs, or later versions of SKUs with new prices (Rule 3.5).

    Entries that are there already are not added again. With `If-Match` nothing is added when the
    catalogue has changed since.
    """
    entries = (await ADD.of(request))["entries"]

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        ensure_policy(connection, ledger.seller)
        revision, _ = new_terms.states(connection, ledger.seller)
        if if_match is not None:
            etags.require_same(if_match, f'"{revision}"')
        stored = stored_entries(connection, ledger.seller)
        new = new_terms.new_entries(entries, stored, place="entries")
        added = new_terms.add_entries(connection, ledger.seller, new, request_id=key)
        return {"new": added.new, "revision": added.revision}

    done = await once(caller, key, "add_catalog_entries", {"entries": entries}, act, recorded=True)
    return told(done, kept(Added, done), ETag=f'"{done.document["revision"]}"')


@routes.get("/policy", "show_policy", PolicyInForce, etag=True)
async def show_policy(caller: Calling) -> Answer:
    """The terms in force (Rule 14). `ETag` is their version."""
    version, found = await caller.read(policy_in_force)
    value = PolicyInForce(version=version, policy=policy.document(found))
    return Answer(value, headers={"ETag": f'"{version}"'})


@routes.write("PUT", "/policy", "set_policy", PolicyInForce, PUT, etag=True)
async def set_policy(caller: Calling, request: Request, if_match: IfMatch = None) -> Answer:
    """Put a new version of the terms in force. Running steps keep theirs (Rule 14).

    Settings that are not named have their defaults. The terms in force are no new version.
    """
    new = policy.load((await PUT.of(request))["policy"])
    seen = etags.require(if_match)

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        _, version = new_terms.states(connection, ledger.seller)
        put = new_terms.put_policy(connection, ledger.seller, new)
        etags.require_same(seen, f'"{version}"', as_asked=put == version)
        return {"version": put}

    version = (await in_transaction(caller, "terms", act, record=None))["version"]
    value = PolicyInForce(version=version, policy=policy.document(new))
    return Answer(value, headers={"ETag": f'"{version}"'})


@routes.get("/policy-versions", "list_policy_versions", Listed[PolicyVersionLine])
async def list_policy_versions(
    caller: Calling, after: AfterPosition = None, limit: Limit = USUAL_ROWS
) -> Listed[PolicyVersionLine]:
    """All versions of the terms, the newest first."""

    def read(ledger: Ledger) -> Listed[PolicyVersionLine]:
        return page_of(policy_versions(ledger, after=after), limit, lambda row: row.version)

    return await caller.read(read)


@routes.get("/policy-versions/{version}", "show_policy_version", PolicyInForce)
async def show_policy_version(caller: Calling, version: Version) -> PolicyInForce:
    """One version of the terms, whole."""
    found = await caller.read(find_policy, version)
    return PolicyInForce(version=version, policy=policy.document(found))
