"""The transactions of an account: every movement of its wallet, in pages (Rule 11.7).

A transaction is a line of the history that keeps the balance after it. The credits that an account
was opened with come before all lines, at the position 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from core.domain.calendar import first_instant, local_date
from core.domain.events import Event
from core.domain.rules import Rule
from core.domain.subscription import ZERO
from core.domain.transactions import TransactionKind, events_of, kind_of
from core.ledger.double_entry import Book, Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import History, Invoice, MonthlyAmount, Operation, Posting
from doors.queries.pages import stream
from doors.queries.snapshot import Snapshot, open_snapshot

#: The most transactions of one query, and the most lines of the history that it looks at for them.
_PAGE, _LOOKED_AT = 200, 2000
#: A position after the last line.
_AFTER_ALL = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionLine:
    """One transaction of an account.

    `position`: its place among the transactions of the account. Positions rise with time.
    `at`, `date`: when, in UTC, and the local date of the account.
    `event`: what happened. None is the opening with credits.
    `amount`: the signed change of the balance. Zero: an external invoice has paid, the fee was
    zero, or only what is unbilled has changed.
    `purpose`: what the operation was for. `admin_fee`: what a refund has kept, or None.
    `invoice`: the number of the invoice on which it stands. None: it is not numbered yet, or there
    is none. `external_invoice`: the number of the invoice of another system that has paid.
    `balance`: the account's balance after it.
    `unbilled`, `receivable`, `overpayment`: of a postpaid account after it (Rule 11.6). None: the
    account was prepaid.
    `facts`: more to tell, as in the history.
    """

    position: int
    at: datetime
    date: date
    account: str
    subscription: str | None
    kind: TransactionKind
    event: Event | None
    amount: Decimal
    currency: str
    timezone: str
    balance: Decimal
    unbilled: Decimal | None
    receivable: Decimal | None
    overpayment: Decimal | None
    rule: str
    actor: str
    operation: int
    purpose: Purpose
    admin_fee: Decimal | None
    invoice: str | None
    external_invoice: str | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which transactions of an account are read.

    `first_day`, `last_day`: local dates of the account, both inclusive. None: no limit.
    `kind`, `subscription`: only these. None: all.
    """

    account: str
    first_day: date | None = None
    last_day: date | None = None
    kind: TransactionKind | None = None
    subscription: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """A range of transactions: after the position `low`, up to the position `high`.

    `opening`: the opening with credits is among them.
    """

    low: int
    high: int
    opening: bool


def transactions(
    ledger: Ledger,
    wanted: Wanted,
    *,
    after: int | None = None,
    newest_first: bool = True,
    page: int = _PAGE,
) -> Iterator[TransactionLine]:
    """The transactions of an account in pages of `page`. Raises NotFound at the first one.

    `after`: the position after which they start, in the order that is asked for. Default: all.
    `newest_first`: their order, default the newest first.

    Transactions that are written meanwhile never shift or repeat one.
    """
    with open_snapshot(ledger) as snapshot:
        row = snapshot.account_row(wanted.account)
        if wanted.subscription is not None:
            snapshot.subscription_row(wanted.subscription)
        among = positions_of(snapshot, row, wanted.first_day, wanted.last_day)
    read = partial(_page, ledger, row, wanted, among, newest_first, most=page)
    yield from stream(read, after)


def lines_of(
    ledger: Ledger,
    row: Any,
    wanted: Wanted,
    among: Positions,
    *,
    after: int | None = None,
    newest_first: bool = False,
) -> Iterator[TransactionLine]:
    """The transactions of an account in a range. `row` is the row of the account."""
    read = partial(_page, ledger, row, wanted, among, newest_first)
    return stream(read, after)


def positions_of(snapshot: Snapshot, row: Any, first: date | None, last: date | None) -> Positions:
    """The transactions between two local dates of an account, both inclusive (Rules 1.1, 1.4)."""
    begin = None if first is None else first_instant(first, row.timezone)
    end = None if last is None else first_instant(last + timedelta(days=1), row.timezone)
    opened = _opened_at(snapshot, row.id)
    return Positions(
        low=0 if begin is None else _last_before(snapshot, row.id, begin),
        high=_AFTER_ALL if end is None else _last_before(snapshot, row.id, end),
        opening=opened is not None
        and (begin is None or opened >= begin)
        and (end is None or opened < end),
    )


def last_of(snapshot: Snapshot, row: Any, among: Positions) -> TransactionLine | None:
    """The last transaction of a range. None if there is none."""
    read = partial(_page_of, snapshot, row, Wanted(account=row.id), among, True, most=1)
    return next(stream(read, None), None)


def _last_before(snapshot: Snapshot, account: str, instant: datetime) -> int:
    query = select(func.last_line_before(account, instant, type_=BigInteger))
    return snapshot.connection.execute(query).scalar_one()


def _page(
    ledger: Ledger,
    row: Any,
    wanted: Wanted,
    among: Positions,
    newest_first: bool,
    after: int | None,
    most: int = _PAGE,
) -> tuple[list[TransactionLine], int | None]:
    with open_snapshot(ledger) as snapshot:
        return _page_of(snapshot, row, wanted, among, newest_first, after, most)


def _page_of(
    snapshot: Snapshot,
    row: Any,
    wanted: Wanted,
    among: Positions,
    newest_first: bool,
    after: int | None,
    most: int = _PAGE,
) -> tuple[list[TransactionLine], int | None]:
    """The next transactions, and the position after which the next page starts.

    A page that is seldom filled, because few lines fit, ends after the lines that it may look at.
    """
    if newest_first:
        low, high = among.low, among.high if after is None else min(among.high, after - 1)
    else:
        low, high = among.low if after is None else max(among.low, after), among.high
    found: list[TransactionLine] = []
    if not newest_first and after is None:
        found += _opening(snapshot, row, wanted, among)
    stop, more = (low if newest_first else high), False
    if low < high:
        stop, more = _stop(snapshot, wanted, low, high, newest_first)
        begin, end = (stop, high) if newest_first else (low, stop)
        query = _selected(wanted.kind, wanted.subscription is not None, newest_first)
        values = _values_of(wanted) | {"low": begin, "high": end, "most": most}
        found += [_line(r, row) for r in snapshot.connection.execute(query, values)]
        if len(found) >= most:
            return found, found[-1].position
    if more:
        return found, stop + 1 if newest_first else stop
    if newest_first and (after is None or after > 0):
        found += _opening(snapshot, row, wanted, among)
    return found, None


def _stop(
    snapshot: Snapshot, wanted: Wanted, low: int, high: int, newest_first: bool
) -> tuple[int, bool]:
    """Up to which line a page looks, and whether there are more lines after that one."""
    if _seldom(wanted.kind, wanted.subscription is not None):
        return (low if newest_first else high), False
    order = History.seq.desc() if newest_first else History.seq
    query = (
        select(History.seq)
        .where(_scope(wanted.subscription is not None), History.seq > low, History.seq <= high)
        .order_by(order)
        .offset(_LOOKED_AT)
        .limit(1)
    )
    beyond = snapshot.connection.execute(query, _values_of(wanted)).scalar()
    if beyond is None:
        return (low if newest_first else high), False
    return (beyond if newest_first else beyond - 1), True


def _seldom(kind: TransactionKind | None, of_subscription: bool) -> bool:
    """Whether the index of events that are seldom finds the lines."""
    if kind is None or of_subscription:
        return False
    return Event.RENEWED not in events_of(kind)


def _scope(of_subscription: bool) -> ColumnElement[bool]:
    mine = History.account == bindparam("account")
    if not of_subscription:
        return mine
    return and_(History.subscription == bindparam("subscription"), mine)


def _values_of(wanted: Wanted) -> dict[str, Any]:
    """What `_scope` leaves open."""
    values = {"account": wanted.account, "subscription": wanted.subscription}
    return {name: value for name, value in values.items() if value is not None}


@cache
def _selected(
    kind: TransactionKind | None, of_subscription: bool, newest_first: bool
) -> Select[Any]:
    """Transactions after the line `low`, up to the line `high`, with what belongs to them.

    To make it takes two milliseconds. So it is made once, and has parameters.
    """
    order = History.seq.desc() if newest_first else History.seq
    most = bindparam("most", type_=BigInteger)
    lines = select(History.__table__).where(
        _scope(of_subscription),
        History.balance.is_not(None),
        History.seq > bindparam("low"),
        History.seq <= bindparam("high"),
    )
    if kind is None:
        page = lines.order_by(order).limit(most).subquery("page")
    else:
        seldom = _seldom(kind, of_subscription)
        page = _of_events(lines, order, events_of(kind), most, seldom=seldom)
    own, later = Invoice.__table__.alias("own"), Invoice.__table__.alias("later")
    by_month = (
        select(func.max(later.c.number))
        .join(MonthlyAmount, MonthlyAmount.invoice == later.c.id)
        .where(MonthlyAmount.operation == page.c.operation)
    )
    kept = select(Posting.amount).where(
        Posting.operation == page.c.operation, Posting.book == str(Book.FEES)
    )
    number = select(own.c.number).where(own.c.operation == page.c.operation).scalar_subquery()
    return (
        select(
            page,
            Operation.purpose,
            Operation.external_invoice,
            func.coalesce(number, by_month.scalar_subquery()).label("invoice"),
            case(
                (page.c.event == str(Event.REFUNDED), kept.limit(1).scalar_subquery()), else_=null()
            ).label("admin_fee"),
        )
        .join(Operation, Operation.id == page.c.operation)
        .order_by(page.c.seq.desc() if newest_first else page.c.seq)
    )


def _of_events(
    lines: Select[Any], order: Any, events: Sequence[Event], most: Any, *, seldom: bool
) -> Any:
    """The first lines that have one of these events.

    Each event is read by itself, so that the index of seldom events gives the lines in their order.
    The events are constants, so that PostgreSQL sees that the index holds them.
    """
    words: list[ColumnElement[str]] = [literal_column(f"'{event}'") for event in events]
    if not words:
        return lines.where(literal_column("false")).limit(0).subquery("page")
    if not seldom:
        return lines.where(History.event.in_(words)).order_by(order).limit(most).subquery("page")
    each = [lines.where(History.event == word).order_by(order).limit(most) for word in words]
    together = union_all(*(part.subquery().select() for part in each)).subquery()
    by = together.c.seq.desc() if order is not History.seq else together.c.seq
    return select(together).order_by(by).limit(most).subquery("page")


def _opened_at(snapshot: Snapshot, account: str) -> datetime | None:
    """When the account was opened with credits. None: it was opened without."""
    query = select(Operation.at).where(_opening_of(account))
    return snapshot.connection.execute(query).scalar()


def _opening_of(account: str) -> ColumnElement[bool]:
    purpose: ColumnElement[str] = literal_column(f"'{Purpose.OPENING_CREDITS}'")
    return and_(Operation.account == account, Operation.purpose == purpose)


def _opening(
    snapshot: Snapshot, row: Any, wanted: Wanted, among: Positions
) -> Iterator[TransactionLine]:
    """The opening with credits, if it is wanted."""
    wants = wanted.kind in (None, TransactionKind.OPENING) and wanted.subscription is None
    if not wants or not among.opening:
        return
    query = (
        select(Operation.id, Operation.at, Posting.amount)
        .join(Posting, Posting.operation == Operation.id)
        .where(_opening_of(row.id), Posting.book == str(Book.WALLET))
    )
    for opened in snapshot.connection.execute(query):
        yield TransactionLine(
            position=0,
            at=opened.at,
            date=local_date(opened.at, row.timezone),
            account=row.id,
            subscription=None,
            kind=TransactionKind.OPENING,
            event=None,
            amount=opened.amount,
            currency=row.currency,
            timezone=row.timezone,
            balance=opened.amount,
            unbilled=None,
            receivable=None,
            overpayment=None,
            rule=str(Rule.DOUBLE_ENTRY),
            actor="perennial",
            operation=opened.id,
            purpose=Purpose.OPENING_CREDITS,
            admin_fee=None,
            invoice=None,
            external_invoice=None,
            facts={},
        )


def _line(r: Any, row: Any) -> TransactionLine:
    event = Event(r.event)
    billed = None if r.unbilled is None else r.balance + r.unbilled
    return TransactionLine(
        position=r.seq,
        at=r.at,
        date=local_date(r.at, row.timezone),
        account=r.account,
        subscription=r.subscription,
        kind=kind_of(event),
        event=event,
        amount=r.amount or ZERO,
        currency=row.currency,
        timezone=row.timezone,
        balance=r.balance,
        unbilled=r.unbilled,
        receivable=None if billed is None else max(ZERO, -billed),
        overpayment=None if billed is None else max(ZERO, billed),
        rule=r.rule,
        actor=r.actor,
        operation=r.operation,
        purpose=Purpose(r.purpose),
        admin_fee=r.admin_fee,
        invoice=None if r.invoice is None else f"{r.invoice:06}",
        external_invoice=r.external_invoice,
        facts=r.facts,
    )
