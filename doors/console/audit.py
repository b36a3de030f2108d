"""The audit: its records with filters, and the state of its chains (docs/staff.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from core.ledger import audit as stored
from core.ledger.audit import Record, Verified
from core.ledger.ledger import Ledger
from doors.application.plain_data import data
from doors.console.pages import Page, Pages
from doors.console.parameters import ROWS, AfterPosition, SomeId
from doors.console.visitors import Visiting

pages = Pages()

MOST_LOOKED_AT = 2_000
"""So many records are looked at for one page, where two or three filters are set."""
NEWEST = 50
"""So many records of each chain are checked for a page, the newest ones."""
_LONGEST = 300
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of records. `next`: the position after which the next page goes on, or None.

    `stopped`: further records may fit, but so many were looked at.
    """

    data: list[Record]
    next: int | None
    stopped: bool


@pages.get("/admin/audit", "list_audit")
async def records(
    visitor: Visiting,
    actor: SomeId = None,
    act: SomeId = None,
    subject: SomeId = None,
    after: AfterPosition = None,
) -> Page:
    """The records, the newest first."""
    wanted = {"actor": actor, "act": act, "subject": subject}
    given = {name: value for name, value in wanted.items() if value is not None}
    found = await visitor.read(look, given, after)
    shows = {
        "page": found,
        "wanted": wanted,
        "query": urlencode(given),
        "changes": {it.id: changes(it) for it in found.data},
    }
    return Page(template="audit.html", shows=shows)


@pages.get("/admin/chains", "list_audit")
async def chains(visitor: Visiting) -> Page:
    """Whether the newest records of each chain are as they were written."""

    def read(ledger: Ledger) -> Verified:
        with ledger.read() as connection:
            return stored.verify_newest(connection, ledger.seller, NEWEST)

    found = await visitor.read(read)
    shows = {"it": found, "all": sum(head.position for head in found.heads), "newest": NEWEST}
    return Page(template="audit_chains.html", shows=shows)


def look(ledger: Ledger, given: Mapping[str, str], after: int | None) -> Found:
    """A page of the records that have these values. One index finds them, by the subject if given.

    The other values are compared here, and for at most `MOST_LOOKED_AT` records.
    """
    by = next((name for name in ("subject", "actor", "act") if name in given), None)
    first: dict[str, Any] = {} if by is None else {by: given[by]}
    fitting, looked, last = list[Record](), 0, after
    with ledger.read() as connection:
        rows = stored.records(connection, ledger.seller, before=after, **first)
        for record in islice(rows, MOST_LOOKED_AT):
            looked += 1
            if any(getattr(record, name) != value for name, value in given.items()):
                last = record.id
                continue
            if len(fitting) == ROWS:
                return Found(data=fitting, next=last, stopped=False)
            fitting.append(record)
            last = record.id
    stopped = looked == MOST_LOOKED_AT
    return Found(data=fitting, next=last if stopped else None, stopped=stopped)


def changes(record: Record) -> list[tuple[str, str, str]]:
    """What a record keeps: the name of a value, how it stood before, and after."""
    before, after = record.before or {}, record.after or {}
    return [
        (name, _text(before.get(name)), _text(after.get(name)))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) is not None or after.get(name) is not None
    ]


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else str(data(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
