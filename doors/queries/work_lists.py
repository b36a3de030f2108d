"""The work lists of support (Rule 6.3)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Date, cast, func

from core.domain.calendar import local_date
from core.domain.subscription import Status
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Clock, SubscriptionRow
from doors.queries.list_names import WorkList
from doors.queries.snapshot import SUBSCRIPTIONS_WITH_ACCOUNTS, open_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A line of a work list, with the address to write to (Rule 6.3).

    `reason` is why a renewal failed. `balance` is the account's.
    """

    account: str
    owner: str | None
    billing_email: str | None
    subscription: str
    sku: str
    quantity: int
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
) -> list[ListRow]:
    """A work list, by account and then by expiry date (Rule 6.3). Raises NotFound.

    `which`: the list. *Expiring* means that auto-renewal is off and today is within the policy's
    days before the expiry date.
    `account`, `clock`: only this account, or only accounts on this test clock. Default all.
    `expiry_from`, `expiry_to`: the first and the last expiry date. Default all.
    """
    with open_snapshot(ledger) as snapshot:
        if account is not None:
            snapshot.account_row(account)
        _, version = snapshot.versions_in_force()
        days = snapshot.policy(version).expiring_notice_days
        query = SUBSCRIPTIONS_WITH_ACCOUNTS.where(
            AccountRow.seller == ledger.seller, *_conditions(which, days)
        ).order_by(SubscriptionRow.account, SubscriptionRow.expiry, SubscriptionRow.id)
        if account is not None:
            query = query.where(SubscriptionRow.account == account)
        if clock is not None:
            query = query.where(AccountRow.clock == clock)
        if expiry_from is not None:
            query = query.where(SubscriptionRow.expiry >= expiry_from)
        if expiry_to is not None:
            query = query.where(SubscriptionRow.expiry <= expiry_to)
        rows = list(snapshot.connection.execute(query))
    if which is WorkList.EXPIRING:
        rows = [row for row in rows if 0 <= _days_left(row) <= days]
    return [_list_row(row) for row in rows]


def _conditions(which: WorkList, days: int) -> list[ColumnElement[bool]]:
    """The conditions of a list. That of EXPIRING is wider, because SQL knows the day in UTC."""
    active = SubscriptionRow.status == Status.ACTIVE
    match which:
        case WorkList.ACTIVE:
            return [active]
        case WorkList.FAILED:
            return [active, SubscriptionRow.renewal_failed.is_(True)]
        case WorkList.EXPIRED:
            return [SubscriptionRow.status == Status.EXPIRED]
        case WorkList.EXPIRING:
            today = cast(func.timezone("UTC", func.coalesce(Clock.now, machine_now())), Date)
            soon = SubscriptionRow.expiry.between(today - 2, today + days + 2)
            return [active, ~SubscriptionRow.auto_renew, soon]
        case unreachable:
            assert_never(unreachable)


def _days_left(row: Any) -> int:
    today = local_date(row.clock_now or machine_now(), row.timezone)
    return int((row.expiry - today).days)


def _list_row(row: Any) -> ListRow:
    failed = row.failure and row.attempted_at
    return ListRow(
        account=row.account,
        owner=row.owner,
        billing_email=row.billing_email,
        subscription=row.id,
        sku=row.sku,
        quantity=row.quantity,
        status=Status(row.status),
        auto_renew=row.auto_renew,
        expiry=row.expiry,
        renewal_date=row.renewal_date if row.status == Status.ACTIVE else None,
        failed_on=local_date(row.attempted_at, row.timezone) if failed else None,
        reason=row.failure,
        balance=row.balance,
        currency=row.currency,
    )
