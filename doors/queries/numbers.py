"""The inventory of numbers, as a person sees it (Rules 10.1 to 10.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import literal_column, select

from core.domain.numbers import NumberState
from core.domain.steps import Step
from core.ledger.ledger import Ledger
from core.ledger.rows import NUMBERS, step_from
from core.ledger.tables import AccountRow, NumberHistory, NumberRow
from doors.queries.snapshot import NotFound, Snapshot, open_snapshot

#: The lines of a number's history that are shown.
_NEWEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """One number of a list. The fields are as in `core.domain.numbers.Number`."""

    number: str
    sku: str
    state: str
    hold: str
    account: str | None
    subscription: str | None
    since: date
    until: date | None
    cause: str | None
    remark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberHistoryLine:
    """What happened to a number, when (UTC), for which account, and who asked."""

    at: datetime
    what: str
    account: str | None
    subscription: str | None
    until: date | None
    cause: str | None
    remark: str | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberView:
    """A number for a person.

    `line`: what it is now.
    `returned_at`, `returned_by`: when (UTC) and by which account it was given back last.
    `timezone`: the zone of its account. UTC when it has none.
    `next_step`: what it does next by itself, or None.
    `history`: its newest lines, oldest first.
    """

    line: NumberLine
    returned_at: datetime | None
    returned_by: str | None
    timezone: str
    next_step: Step | None
    history: Sequence[NumberHistoryLine]


_LINE = tuple(getattr(NumberRow, name) for name in NumberLine.__dataclass_fields__)
_HISTORY = tuple(getattr(NumberHistory, name) for name in NumberHistoryLine.__dataclass_fields__)


def list_numbers(
    ledger: Ledger,
    *,
    state: NumberState | None = None,
    account: str | None = None,
    sku: str | None = None,
    after: str | None = None,
    most: int | None = None,
) -> list[NumberLine]:
    """Numbers in their order, by code points. Raises NotFound for an unknown account.

    `state`, `account`, `sku`: only these. Default all.
    `after`: only numbers after this one. It is the last one of the page before.
    `most`: the most numbers. Default all.
    """
    query = select(*_LINE).where(NumberRow.seller == ledger.seller)
    if state is not None:
        # The state is a constant, so that the index of free numbers is used.
        query = query.where(NumberRow.state == literal_column(f"'{state}'"))
    if account is not None:
        query = query.where(NumberRow.account == account)
    if sku is not None:
        query = query.where(NumberRow.sku == sku)
    if after is not None:
        query = query.where(NumberRow.number > after)
    with open_snapshot(ledger) as snapshot:
        if account is not None:
            snapshot.account_row(account)
        rows = snapshot.connection.execute(query.order_by(NumberRow.number).limit(most))
        return [NumberLine(**row._mapping) for row in rows]


def find_number(ledger: Ledger, number: str) -> NumberView:
    """A number with its history. Raises NotFound."""
    zone = select(AccountRow.timezone).where(AccountRow.id == NumberRow.account)
    query: Any = NUMBERS.add_columns(zone.scalar_subquery().label("timezone")).where(
        NumberRow.seller == ledger.seller, NumberRow.number == number
    )
    with open_snapshot(ledger) as snapshot:
        row = snapshot.connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"number {number} is not in the inventory")
        return NumberView(
            line=NumberLine(**{column.key: row._mapping[column.key] for column in _LINE}),
            returned_at=row.returned_at,
            returned_by=row.returned_by,
            timezone=row.timezone or "UTC",
            next_step=step_from(row),
            history=_history(snapshot, number),
        )


def _history(snapshot: Snapshot, number: str) -> list[NumberHistoryLine]:
    query = (
        select(*_HISTORY)
        .where(NumberHistory.seller == snapshot.seller, NumberHistory.number == number)
        .order_by(NumberHistory.seq.desc())
        .limit(_NEWEST)
    )
    lines = [NumberHistoryLine(**row._mapping) for row in snapshot.connection.execute(query)]
    return lines[::-1]
