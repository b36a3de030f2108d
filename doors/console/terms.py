"""What a seller sells, and by which terms."""

from dataclasses import dataclass

from core.domain import policy as policies
from core.domain.policy import DEFAULT, Policy
from core.ledger.audit import Record
from core.ledger.ledger import Ledger
from doors.access import operations
from doors.application.new_terms import policy_subject
from doors.console.pages import Page, Pages
from doors.console.parameters import ROWS, AfterPosition, SomeId, SomeVersion
from doors.console.terms_changes import record_of
from doors.console.visitors import Visiting
from doors.http.pages import Listed, page_of
from doors.queries.terms_in_force import (
    CatalogEntryLine,
    catalog_entries,
    catalog_in_force,
    find_policy,
    policy_in_force,
    policy_versions,
)

pages = Pages()

MOST_VERSIONS = 10
"""So many versions of the policy are on one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the policy, and what it has changed: key, value before, value then.

    `by`: the record of the audit of who has put it in force, for those who may see the audit.
    """

    version: int
    in_force: bool
    by: Record | None
    changes: list[tuple[str, str, str]]


@pages.get("/terms/policy", "show_policy")
async def policy(visitor: Visiting, after: AfterPosition = None, put: SomeVersion = None) -> Page:
    """The policy in force, and what each version has changed. `put`: it was just put in force."""
    told = operations.may(visitor.role, "list_audit")

    def read(ledger: Ledger) -> tuple[Listed[Version], list[tuple[str, str, str]]]:
        lines = policy_versions(ledger, after=after)
        found = page_of(lines, MOST_VERSIONS, lambda it: it.version)
        numbers = {it.version - back for it in found.data for back in (0, 1)}
        known = {number: _policy(ledger, number) for number in numbers}
        listed = [
            Version(
                version=it.version,
                in_force=it.in_force,
                by=record_of(ledger, policy_subject(it.version)) if told else None,
                changes=differences(known[it.version - 1], known[it.version]),
            )
            for it in found.data
        ]
        _, now = policy_in_force(ledger)
        return Listed(data=listed, next=found.next), keys_of(now)

    versions, keys = await visitor.read(read)
    newest = next((it.version for it in versions.data if it.in_force), None)
    shows = {"page": versions, "keys": keys, "put": put if put == newest else None}
    return Page(template="policy.html", shows=shows)


@pages.get("/terms/catalog", "show_catalog")
async def catalog(visitor: Visiting, after: AfterPosition = None, put: SomeId = None) -> Page:
    """The entries of the catalogue in the order of loading. `put`: a SKU that was just changed."""

    def read(ledger: Ledger) -> Listed[CatalogEntryLine]:
        return page_of(catalog_entries(ledger, after=after), ROWS, lambda it: it.position)

    known = put is not None and put in await visitor.read(catalog_in_force)
    shows = {"page": await visitor.read(read), "put": put if known else None}
    return Page(template="catalog.html", shows=shows)


def keys_of(policy: Policy) -> list[tuple[str, str, str]]:
    """Each key of a policy with its default and its value, in words."""
    before, then = _flat(policies.document(DEFAULT)), _flat(policies.document(policy))
    return [(key, before.get(key, ""), value) for key, value in then.items()]


def differences(before: Policy, then: Policy) -> list[tuple[str, str, str]]:
    """The keys that differ between two policies, with both values."""
    one, other = _flat(policies.document(before)), _flat(policies.document(then))
    return [
        (key, one.get(key, "none"), other.get(key, "none"))
        for key in sorted({*one, *other})
        if one.get(key, "none") != other.get(key, "none")
    ]


def _policy(ledger: Ledger, version: int) -> Policy:
    return DEFAULT if version == 0 else find_policy(ledger, version)


def _flat(document: object, place: str = "") -> dict[str, str]:
    if not isinstance(document, dict):
        if isinstance(document, bool):
            return {place: "yes" if document else "no"}
        listed = document if isinstance(document, list) else [document]
        return {place: ", ".join(map(str, listed)) or "none"}
    if not document:
        return {place: "none"}
    found: dict[str, str] = {}
    for key, value in document.items():
        found |= _flat(value, f"{place}, {key}" if place else str(key))
    return found
