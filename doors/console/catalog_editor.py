"""The editor of the catalogue: a new SKU, or a later version of one with new prices.

An entry of the form is the same object that `starter.py catalog load` takes. It goes the same way
(`doors/application/new_terms.py`).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from core.domain import catalog as catalogs
from core.domain import inputs
from core.domain.catalog import LONGEST_NAME
from core.domain.faults import Fault, Faults
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.access.staff import StaffCaller
from doors.application import new_terms
from doors.application.new_terms import TermsChanged, catalog_subject
from doors.console.catalog_fields import (
    ENTRY,
    NAMES,
    ON,
    changes_of,
    controls,
    entry_of,
    following,
    is_later,
    new_texts,
    read_entry,
    texts_of,
)
from doors.console.editor_fields import by_field
from doors.console.effects import offer
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see
from doors.console.parameters import SomeId
from doors.console.terms_changes import (
    SEEN,
    new_request_id,
    put_once,
    record_of,
    request_id_of,
    seen_of,
    stored_catalog,
)
from doors.console.visitors import Visiting
from doors.queries.snapshot import NotFound

pages = Pages()

_OPERATION: Final = "add_catalog_entries"


@pages.get("/terms/catalog/edit", _OPERATION)
async def edit(visitor: Visiting, sku: SomeId = None) -> Page:
    """The form of a new SKU, or of a later version of a SKU."""
    revision, catalog, _ = await visitor.read(stored_catalog)
    if sku is None:
        return _form(new_texts(), seen=revision)
    if sku not in catalog:
        raise NotFound(f"there is no SKU {sku[:LONGEST_NAME]}")
    today = machine_now().date()
    texts = texts_of(catalog, sku, today) | {ON: today.isoformat()}
    return _form(texts, seen=revision)


@pages.post("/terms/catalog/change", _OPERATION)
async def change_values(visitor: Visiting, sent: Sent) -> Page:
    """The form with the values of a draft, to change them."""
    return _form(_texts(sent), seen=seen_of(sent))


@pages.post("/terms/catalog/check", _OPERATION)
async def check(visitor: Visiting, sent: Sent) -> Page:
    """What a draft changes. Nothing is done."""
    seen = seen_of(sent)
    _, catalog, stored = await visitor.read(stored_catalog)
    try:
        entry = read_entry(sent, catalog, stored)
    except Faults as error:
        return _form(_texts(sent), seen=seen, faults=error.faults)
    return await _checked(visitor, entry, _texts(sent), seen)


@pages.post("/terms/catalog/put", _OPERATION)
async def put(visitor: Visiting, sent: Sent) -> Any:
    """Put a draft in force, unless the catalogue has changed since it was checked."""
    seen, entry, request_id = seen_of(sent), entry_of(sent), request_id_of(sent)
    try:
        await put_once(
            visitor,
            _OPERATION,
            request_id,
            {"entries": [entry], "seen": seen},
            lambda connection, seller: _add(connection, seller, entry, seen, request_id),
        )
    except TermsChanged:
        _, _, stored = await visitor.read(stored_catalog)
        try:
            catalogs.load([entry], stored=stored)
        except Faults as error:
            faults = by_field(error, "catalog[0]", NAMES)
            return _form(_texts(sent), seen=seen, faults=faults)
        return await _checked(visitor, entry, _texts(sent), seen, refused=True)
    return see(f"/terms/catalog?put={entry['sku']}")


def _add(
    connection: Any, seller: str, entry: Mapping[str, Any], seen: int, request_id: str
) -> dict[str, Any]:
    added = new_terms.add_entries(connection, seller, [entry], seen=seen, request_id=request_id)
    return {"new": added.new, "revision": added.revision}


def _texts(sent: Mapping[str, str]) -> dict[str, str]:
    return {name: sent.get(name, "") for name in (*NAMES, ON)}


def _form(texts: Mapping[str, str], *, seen: int, faults: tuple[Fault, ...] = ()) -> Page:
    later = is_later(texts)
    return Page(
        template="catalog_edit.html",
        shows={
            "fields": controls(texts, faults, later=later),
            "later": later,
            "texts": texts,
            "seen": seen,
            "faults": [(fault, "") for fault in faults],
        },
        status=400 if faults else 200,
        kept=True,
    )


async def _checked(
    visitor: StaffCaller,
    entry: dict[str, Any],
    texts: Mapping[str, str],
    seen: int,
    *,
    refused: bool = False,
) -> Page:
    """A draft beside what is in force. `refused`: it was not put in force."""

    def read(ledger: Ledger) -> dict[str, Any]:
        revision, catalog, stored = stored_catalog(ledger)
        shows: dict[str, Any] = {
            "revision": revision,
            "changes": changes_of(entry, catalog),
            "following": following(entry, catalog),
            "theirs": stored[seen:revision] if seen != revision else [],
            "by": None,
        }
        if seen != revision:
            shows["by"] = record_of(ledger, catalog_subject(revision))
        return shows

    found = await visitor.read(read)
    today = machine_now().date()
    shows = found | {
        "entry": entry,
        "past": "from" in entry and inputs.read_day(entry["from"]) < today,
        "draft": dict(texts) | {ENTRY: json.dumps(entry), SEEN: str(found["revision"])},
        "request_id": new_request_id(),
        "refused": refused,
        "seen": seen,
        "offer": await offer(visitor),
    }
    return Page(
        template="catalog_check.html", shows=shows, status=409 if refused else 200, kept=True
    )
