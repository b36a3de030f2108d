"""The work lists of support (Rule 6.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Row, and_, literal_column, select, tuple_

from core.domain.calendar import local_date
from core.domain.steps import StepKind
from core.domain.subscription import Status
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import subscription_from
from core.ledger.tables import AccountRow, Clock, StepRow, SubscriptionRow
from doors.queries.list_names import WorkList
from doors.queries.snapshot import SUBSCRIPTIONS_WITH_ACCOUNTS, Snapshot, open_snapshot

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A line of a work list, with the address to write to (Rule 6.3).

    `reason` is why a renewal, or the conversion of a trial, failed. `balance` is the account's.
    """

    account: str
    owner: str | None
    billing_email: str | None
    subscription: str
    sku: str
    quantity: int
    trial: bool
    status: Status
    auto_renew: bool
    expiry: date
    renewal_date: date | None
    failed_on: date | None
    reason: str | None
    balance: Decimal
    currency: str


def work_list(
    ledger: Ledger,
    which: WorkList,
    *,
    account: str | None = None,
    expiry_from: date | None = None,
    expiry_to: date | None = None,
    clock: str | None = None,
    most: int | None = None,
) -> list[ListRow]:
    """A work list, by account and then by id (Rule 6.3). Raises NotFound.

    `which`: the list. *Expiring* means that auto-renewal is off and today is within the policy's
    days before the expiry date.
    `account`, `clock`: only this account, or only accounts on this test clock. Default all.
    `expiry_from`, `expiry_to`: the first and the last expiry date. Default all.
    `most`: the most lines that are returned. Default all.

    The list is read in pages. A page looks at 100 subscriptions at most, whatever the filters are.
    """
    wanted: list[ColumnElement[bool]] = [AccountRow.seller == ledger.seller]
    if clock is not None:
        wanted.append(AccountRow.clock == clock)
    if expiry_from is not None:
        wanted.append(SubscriptionRow.expiry >= expiry_from)
    if expiry_to is not None:
        wanted.append(SubscriptionRow.expiry <= expiry_to)
    with open_snapshot(ledger) as snapshot:
        if account is not None:
            snapshot.account_row(account)
        if which is WorkList.EXPIRING:
            rows = _expiring(snapshot, wanted, account, clock)
            return [_list_row(row) for row in rows[:most]]
        found: list[ListRow] = []
        for ids in _pages(snapshot, which, account):
            found += [_list_row(row) for row in _read(snapshot, ids, wanted)]
            if most is not None and len(found) >= most:
                break
    return found[:most]


def _read(snapshot: Snapshot, ids: list[str], wanted: list[ColumnElement[bool]]) -> list[Any]:
    """The rows of some subscriptions that fulfil the conditions, by account and id."""
    query = SUBSCRIPTIONS_WITH_ACCOUNTS.where(one_of(SubscriptionRow.id, ids), *wanted)
    ordered = query.order_by(SubscriptionRow.account, SubscriptionRow.id)
    return list(snapshot.connection.execute(ordered))


def _pages(snapshot: Snapshot, which: WorkList, account: str | None) -> Iterator[list[str]]:
    """The ids of the subscriptions of a list, by account and id, page by page."""
    key = (SubscriptionRow.account, SubscriptionRow.id)
    listed = select(*key).where(_condition(which)).order_by(*key).limit(_PAGE)
    if account is not None:
        listed = listed.where(SubscriptionRow.account == account)
    for rows in _page_by_page(snapshot, listed, key):
        yield [row.id for row in rows]


def _page_by_page(
    snapshot: Snapshot, listed: Any, key: tuple[Any, Any]
) -> Iterator[Sequence[Row[Any]]]:
    """The rows of a query, page by page. It selects this key, and is ordered and limited by it."""
    rows = snapshot.connection.execute(listed).all()
    while rows:
        yield rows
        if len(rows) < _PAGE:
            return
        after = tuple_(*key) > tuple_(*rows[-1])
        rows = snapshot.connection.execute(listed.where(after)).all()


def _condition(which: WorkList) -> ColumnElement[bool]:
    """The condition of a list. Its words are constants, so that the index of the list is used."""
    match which:
        case WorkList.ACTIVE:
            return SubscriptionRow.status == literal_column(f"'{Status.ACTIVE}'")
        case WorkList.FAILED:
            return and_(SubscriptionRow.renewal_failed)
        case WorkList.EXPIRED:
            return SubscriptionRow.status == literal_column(f"'{Status.EXPIRED}'")
        case WorkList.EXPIRING:
            raise ValueError("this list is read by the steps that are due soon")
        case unreachable:
            assert_never(unreachable)


def _expiring(
    snapshot: Snapshot,
    wanted: list[ColumnElement[bool]],
    account: str | None,
    clock: str | None,
) -> list[Any]:
    """What expires soon, by account and id. Its next step is to expire."""
    _, version = snapshot.versions_in_force()
    days = snapshot.policy(version).expiring_notice_days
    clocks = select(Clock.id, Clock.now)
    if clock is not None:
        clocks = clocks.where(Clock.id == clock)
    nows: list[tuple[str | None, datetime]] = [
        (row.id, row.now) for row in snapshot.connection.execute(clocks)
    ]
    if clock is None:
        nows.append((None, machine_now()))
    rows: list[Any] = []
    for of_clock, now in nows:
        for ids in _pages_of_expiries(snapshot, of_clock, now, days, account):
            active = [SubscriptionRow.status == Status.ACTIVE, ~SubscriptionRow.auto_renew]
            page = _read(snapshot, ids, [*wanted, *active])
            rows += [row for row in page if 0 <= _days_left(row) <= days]
    return sorted(rows, key=lambda row: (row.account, row.id))


def _pages_of_expiries(
    snapshot: Snapshot, clock: str | None, now: datetime, days: int, account: str | None
) -> Iterator[list[str]]:
    """The ids of subscriptions that expire soon, in any time zone, page by page."""
    key = (StepRow.due, StepRow.subject)
    soon = StepRow.due.between(now - timedelta(days=1), now + timedelta(days=days + 2))
    listed = select(*key).where(StepRow.kind == StepKind.EXPIRE, soon).order_by(*key).limit(_PAGE)
    listed = listed.where(StepRow.clock.is_(None) if clock is None else StepRow.clock == clock)
    if account is not None:
        listed = listed.where(StepRow.account == account)
    for rows in _page_by_page(snapshot, listed, key):
        yield [row.subject for row in rows]


def _days_left(row: Any) -> int:
    today = local_date(row.clock_now or machine_now(), row.timezone)
    return int((row.expiry - today).days)


def _list_row(row: Any) -> ListRow:
    failed = row.failure and row.attempted_at
    today = local_date(row.clock_now or machine_now(), row.timezone)
    return ListRow(
        account=row.account,
        owner=row.owner,
        billing_email=row.billing_email,
        subscription=row.id,
        sku=subscription_from(row).contents_on(today).sku if row.coming else row.sku,
        quantity=row.quantity,
        trial=row.trial,
        status=Status(row.status),
        auto_renew=row.auto_renew,
        expiry=row.expiry,
        renewal_date=row.renewal_date if row.status == Status.ACTIVE and not row.trial else None,
        failed_on=local_date(row.attempted_at, row.timezone) if failed else None,
        reason=row.failure,
        balance=row.balance,
        currency=row.currency,
    )
