"""The inventory of numbers, as a person sees it (Rules 10.1 to 10.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, select

from core.domain.numbers import NumberState
from core.domain.steps import Step
from core.ledger.ledger import Ledger
from core.ledger.rows import NUMBERS, step_from
from core.ledger.tables import AccountRow, NumberHistory, NumberRow
from doors.queries.pages import stream
from doors.queries.snapshot import NotFound, Snapshot, open_snapshot

#: The lines of a number's history that are shown.
_NEWEST = 1000
#: The numbers of one query.
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """One number of a list. The fields are as in `core.domain.numbers.Number`.

    `clock` is the test clock of its account, or None.
    """

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
    clock: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberHistoryLine:
    """What happened to a number, when (UTC), for which account, and who asked.

    `seq`: its place among all lines of all numbers.
    """

    seq: int
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


_LINE = tuple(
    getattr(NumberRow, name) for name in NumberLine.__dataclass_fields__ if name != "clock"
)
_HISTORY = tuple(getattr(NumberHistory, name) for name in NumberHistoryLine.__dataclass_fields__)
_NUMBER: Any = NUMBERS.add_columns(
    *(
        select(column).where(AccountRow.id == NumberRow.account).scalar_subquery().label(name)
        for name, column in (("timezone", AccountRow.timezone), ("of_clock", AccountRow.clock))
    )
).where(NumberRow.seller == bindparam("of"), NumberRow.number == bindparam("named"))
_NEWEST_HISTORY = (
    select(*_HISTORY)
    .where(NumberHistory.seller == bindparam("of"), NumberHistory.number == bindparam("named"))
    .order_by(NumberHistory.seq.desc())
    .limit(_NEWEST)
)


def number_rows(
    ledger: Ledger,
    *,
    state: NumberState | None = None,
    account: str | None = None,
    sku: str | None = None,
    test_clocks: bool = True,
    after: str | None = None,
) -> Iterator[NumberLine]:
    """Numbers in their order, by code points, read page by page.

    `state`, `account`, `sku`: only these. Default all.
    `test_clocks`: whether numbers of accounts on test clocks are listed, default True. Those of an
    account that is named are listed in any case.
    `after`: only numbers after this one. It is the last one of the page before.

    A page looks at 500 numbers at most, whatever the filters are. Raises NotFound for an unknown
    account, at the first number.
    """
    if account is not None:
        with open_snapshot(ledger) as snapshot:
            snapshot.account_row(account)

    def listed(row: Any) -> bool:
        hidden = row.clock is not None and account is None and not test_clocks
        return not hidden and state in (None, row.state) and sku in (None, row.sku)

    def read(last: str | None) -> tuple[list[NumberLine], str | None]:
        query = _by_index(ledger, state, account, sku)
        if last is not None:
            query = query.where(NumberRow.number > last)
        with open_snapshot(ledger) as snapshot:
            rows = snapshot.connection.execute(query.order_by(NumberRow.number).limit(_PAGE)).all()
        found = [NumberLine(**row._mapping) for row in rows if listed(row)]
        return found, rows[-1].number if len(rows) == _PAGE else None

    yield from stream(read, after)


def _by_index(
    ledger: Ledger, state: NumberState | None, account: str | None, sku: str | None
) -> Select[Any]:
    """Numbers by the filters that an index can keep."""
    query = (
        select(*_LINE, AccountRow.clock)
        .outerjoin(AccountRow, AccountRow.id == NumberRow.account)
        .where(NumberRow.seller == ledger.seller)
    )
    if account is not None:
        return query.where(NumberRow.account == account)
    if state is NumberState.FREE and sku is not None:
        # The state is a constant, so that the index of free numbers is used.
        free: ColumnElement[str] = literal_column(f"'{NumberState.FREE}'")
        return query.where(NumberRow.state == free, NumberRow.sku == sku)
    return query


def find_number(ledger: Ledger, number: str) -> NumberView:
    """A number with its history. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        of = {"of": ledger.seller, "named": number}
        row = snapshot.connection.execute(_NUMBER, of).one_or_none()
        if row is None:
            raise NotFound(f"number {number} is not in the inventory")
        return NumberView(
            line=NumberLine(
                **{column.key: row._mapping[column.key] for column in _LINE}, clock=row.of_clock
            ),
            returned_at=row.returned_at,
            returned_by=row.returned_by,
            timezone=row.timezone or "UTC",
            next_step=step_from(row),
            history=_history(snapshot, number),
        )


def number_history(
    ledger: Ledger, number: str, *, newest_first: bool = True, after: int | None = None
) -> Iterator[NumberHistoryLine]:
    """What happened to a number, read page by page. `after`: what follows this line."""
    seq = NumberHistory.seq

    def read(last: int | None) -> tuple[list[NumberHistoryLine], int | None]:
        query = select(*_HISTORY).where(
            NumberHistory.seller == ledger.seller, NumberHistory.number == number
        )
        if last is not None:
            query = query.where(seq < last if newest_first else seq > last)
        ordered = query.order_by(seq.desc() if newest_first else seq).limit(_PAGE)
        with ledger.read() as connection:
            lines = [NumberHistoryLine(**row._mapping) for row in connection.execute(ordered)]
        return lines, lines[-1].seq if len(lines) == _PAGE else None

    yield from stream(read, after)


def _history(snapshot: Snapshot, number: str) -> list[NumberHistoryLine]:
    of = {"of": snapshot.seller, "named": number}
    found = snapshot.connection.execute(_NEWEST_HISTORY, of)
    lines = [NumberHistoryLine(**row._mapping) for row in found]
    return lines[::-1]
