"""The work lists of support (Rule 6.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, assert_never

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    literal_column,
    select,
    tuple_,
    union_all,
)

from core.domain.calendar import local_date
from core.domain.steps import StepKind
from core.domain.subscription import Failure, Status
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import subscription_from
from core.ledger.tables import AccountRow, Clock, StepRow, SubscriptionRow
from doors.queries.clocks import find_clock
from doors.queries.list_names import WorkList
from doors.queries.pages import stream
from doors.queries.snapshot import SUBSCRIPTIONS_WITH_ACCOUNTS, Snapshot, open_snapshot

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A line of a work list, with the address to write to (Rule 6.3).

    `reason` is why a renewal, or the conversion of a trial, failed. `balance` is the account's.
    `clock` is the account's test clock, or None.
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
    clock: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilter:
    """Which subscriptions a work list has.

    `account`, `clock`: only this account, or only accounts on this test clock. None: all.
    `test_clocks`: whether accounts on test clocks are listed. Default True. An account or a clock
    that is named is listed in any case.
    `expiry_from`, `expiry_to`: the first and the last expiry date. None: all.
    `failure`: only those that failed for this reason. None: all.
    """

    account: str | None = None
    clock: str | None = None
    test_clocks: bool = True
    expiry_from: date | None = None
    expiry_to: date | None = None
    failure: Failure | None = None

    @property
    def real_only(self) -> bool:
        """Whether accounts on test clocks are left out."""
        return not self.test_clocks and self.account is None and self.clock is None


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

    `most`: the most lines that are returned. Default all. The other parameters are as in
    `WorkFilter`.
    """
    of = WorkFilter(account=account, clock=clock, expiry_from=expiry_from, expiry_to=expiry_to)
    return list(islice(work_rows(ledger, which, of), most))


def work_rows(
    ledger: Ledger, which: WorkList, of: WorkFilter, *, after: str | None = None
) -> Iterator[ListRow]:
    """The lines of a work list, by account and then by id, read page by page (Rule 6.3).

    `which`: the list. *Expiring* means that auto-renewal is off and today is within the policy's
    days before the expiry date.
    `after`: the subscription after which they start. Default: all.

    A page reads 100 subscriptions at most, whatever the filters are. Raises NotFound at the first
    line.
    """
    if of.clock is not None:
        find_clock(ledger, of.clock)
    with open_snapshot(ledger) as snapshot:
        if of.account is not None:
            snapshot.account_row(of.account)
        start = None if after is None else (snapshot.subscription_row(after).account, after)
    read = _expiring if which is WorkList.EXPIRING else partial(_page, _condition(which))
    yield from stream(partial(read, ledger, of), start)


def _page(
    condition: ColumnElement[bool], ledger: Ledger, of: WorkFilter, after: tuple[str, str] | None
) -> tuple[list[ListRow], tuple[str, str] | None]:
    """The lines of the next 100 subscriptions of a list, and the key of the next page."""
    key = (SubscriptionRow.account, SubscriptionRow.id)
    listed = select(*key).where(condition).order_by(*key).limit(_PAGE)
    if of.account is not None:
        listed = listed.where(SubscriptionRow.account == of.account)
    if of.failure is not None:
        listed = listed.where(SubscriptionRow.failure == of.failure)
    if after is not None:
        listed = listed.where(tuple_(*key) > tuple_(*after))
    with open_snapshot(ledger) as snapshot:
        keys = snapshot.connection.execute(listed).all()
        rows = [
            _list_row(row) for row in _read(snapshot, [k.id for k in keys], _wanted(ledger, of))
        ]
    last = keys[-1] if len(keys) == _PAGE else None
    return rows, None if last is None else (last.account, last.id)


def _wanted(ledger: Ledger, of: WorkFilter) -> list[ColumnElement[bool]]:
    """The conditions on a line of a list, beside those of the list itself."""
    wanted: list[ColumnElement[bool]] = [AccountRow.seller == ledger.seller]
    if of.clock is not None:
        wanted.append(AccountRow.clock == of.clock)
    if of.real_only:
        wanted.append(AccountRow.clock.is_(None))
    if of.expiry_from is not None:
        wanted.append(SubscriptionRow.expiry >= of.expiry_from)
    if of.expiry_to is not None:
        wanted.append(SubscriptionRow.expiry <= of.expiry_to)
    if of.failure is not None:
        wanted.append(SubscriptionRow.failure == of.failure)
    return wanted


def _read(snapshot: Snapshot, ids: list[str], wanted: list[ColumnElement[bool]]) -> list[Any]:
    """The rows of some subscriptions that fulfil the conditions, by account and id."""
    query = SUBSCRIPTIONS_WITH_ACCOUNTS.where(one_of(SubscriptionRow.id, ids), *wanted)
    ordered = query.order_by(SubscriptionRow.account, SubscriptionRow.id)
    return list(snapshot.connection.execute(ordered))


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
    ledger: Ledger, of: WorkFilter, after: tuple[str, str] | None
) -> tuple[list[ListRow], tuple[str, str] | None]:
    """The lines of the next 100 subscriptions whose step to expire is due soon, as `_page`."""
    active = [SubscriptionRow.status == Status.ACTIVE, ~SubscriptionRow.auto_renew]
    key = (SubscriptionRow.account, SubscriptionRow.id)
    with open_snapshot(ledger) as snapshot:
        _, version = snapshot.versions_in_force()
        days = snapshot.policy(version).expiring_notice_days
        soon = _soon(of, days).subquery()
        listed = select(*key).join(soon, soon.c.subject == SubscriptionRow.id).where(*active)
        if after is not None:
            listed = listed.where(tuple_(*key) > tuple_(*after))
        keys = snapshot.connection.execute(listed.order_by(*key).limit(_PAGE)).all()
        found = _read(snapshot, [k.id for k in keys], [*_wanted(ledger, of), *active])
    rows = [_list_row(row) for row in found if 0 <= _days_left(row) <= days]
    last = keys[-1] if len(keys) == _PAGE else None
    return rows, None if last is None else (last.account, last.id)


def _soon(of: WorkFilter, days: int) -> CompoundSelect[Any]:
    """The subscriptions that expire soon in some time zone, by the clocks of their accounts."""

    def near(now: Any) -> ColumnElement[bool]:
        return StepRow.due.between(now - timedelta(days=1), now + timedelta(days=days + 2))

    step = select(StepRow.subject).where(StepRow.kind == StepKind.EXPIRE)
    if of.account is not None:
        step = step.where(StepRow.account == of.account)
    found = list[Select[Any]]()
    if of.clock is None:
        found.append(step.where(StepRow.clock.is_(None), near(machine_now())))
    if not of.real_only:
        clocked = step.join(Clock, Clock.id == StepRow.clock).where(near(Clock.now))
        found.append(clocked if of.clock is None else clocked.where(Clock.id == of.clock))
    return union_all(*found)


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
        clock=row.clock,
    )
