"""Test clocks, as a person sees them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Clock
from doors.queries.pages import stream
from doors.queries.snapshot import NotFound, open_snapshot

#: The clocks of one query.
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """A test clock: its id, its virtual now (UTC), and how many accounts are attached."""

    clock: str
    now: datetime
    accounts: int


def find_clock(ledger: Ledger, clock: str) -> ClockLine:
    """One test clock. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        query = _selected(ledger).where(Clock.id == clock)
        row = snapshot.connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no test clock {clock}")
    return ClockLine(**row._mapping)


def clock_rows(ledger: Ledger, *, after: str | None = None) -> Iterator[ClockLine]:
    """All test clocks by id, from the one after `after` on, read page by page."""

    def read(last: str | None) -> tuple[list[ClockLine], str | None]:
        query = _selected(ledger).order_by(Clock.id).limit(_PAGE)
        if last is not None:
            query = query.where(Clock.id > last)
        with open_snapshot(ledger) as snapshot:
            found = [ClockLine(**row._mapping) for row in snapshot.connection.execute(query)]
        return found, found[-1].clock if len(found) == _PAGE else None

    return stream(read, after)


def _selected(ledger: Ledger) -> Select[Any]:
    attached = select(func.count()).where(AccountRow.clock == Clock.id).scalar_subquery()
    columns = Clock.id.label("clock"), Clock.now, attached.label("accounts")
    return select(*columns).where(Clock.seller == ledger.seller)
