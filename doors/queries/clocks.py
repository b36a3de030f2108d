"""Test clocks, as a person sees them."""

from datetime import datetime

from sqlalchemy import func, select

from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Clock
from doors.queries.snapshot import NotFound, open_snapshot


def find_clocks(ledger: Ledger, clock: str | None = None) -> list[tuple[str, datetime, int]]:
    """Test clocks, or one: its id, its virtual now (UTC), how many accounts are attached.

    Raises NotFound.
    """
    query = (
        select(Clock.id, Clock.now, func.count(AccountRow.id))
        .outerjoin(AccountRow, AccountRow.clock == Clock.id)
        .group_by(Clock.id)
        .order_by(Clock.id)
    )
    if clock is not None:
        query = query.where(Clock.id == clock)
    with open_snapshot(ledger) as snapshot:
        found = [(row[0], row[1], row[2]) for row in snapshot.connection.execute(query)]
    if clock is not None and not found:
        raise NotFound(f"there is no test clock {clock}")
    return found
