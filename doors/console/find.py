"""Find: one box for ids, names, e-mail addresses, numbers and invoices."""

from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator
from starlette.responses import Response

from core.domain.inputs import Wrong
from doors.console.accounts import Part
from doors.console.pages import Page, Pages, see
from doors.console.rendering import path_of
from doors.console.visitors import Visiting
from doors.queries.search import LONGEST, Found, FoundKind, search

_AS_ONE_TYPES = 8
"""So many results are shown while a visitor types."""

pages = Pages()


def _wanted(value: object) -> str:
    if not isinstance(value, str) or len(value) > 10 * LONGEST:
        raise Wrong(f"must be text of at most {LONGEST} characters")
    return value.strip()


Wanted = Annotated[str, Query(), BeforeValidator(_wanted)]


@pages.get("/find", "list_accounts")
async def find(visitor: Visiting, q: Wanted = "") -> Page | Response:
    """What was found. One exact hit is shown at once."""
    found = await visitor.read(search, q) if q else []
    if len(found) == 1 and found[0].id == q:
        return see(place_of(found[0]))
    return Page(template="find.html", shows={"q": q, "found": found, "place_of": place_of})


@pages.get("/find/rows", "list_accounts")
async def rows(visitor: Visiting, q: Wanted = "") -> Page:
    """The same for the box, while a visitor types."""
    found = await visitor.read(search, q, _AS_ONE_TYPES) if q else []
    return Page(template="find_rows.html", shows={"q": q, "found": found, "place_of": place_of})


def place_of(found: Found) -> str:
    """The page of what was found."""
    match found.kind:
        case FoundKind.ACCOUNT:
            return path_of("accounts", Part.WALLET, found.id)
        case FoundKind.SUBSCRIPTION:
            return path_of("subscriptions", found.id)
        case FoundKind.NUMBER:
            return path_of("numbers", found.id)
        case FoundKind.INVOICE:
            return path_of("invoices", found.id)
