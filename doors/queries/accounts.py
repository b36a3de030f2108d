"""One account and its wallet, as a person sees it, and the accounts of subscriptions."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from core.domain.calendar import local_date
from core.domain.subscription import ZERO, Mode
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import account_from
from core.ledger.tables import AccountRow, MonthlyAmount, SubscriptionRow
from doors.queries.snapshot import ACCOUNT, NotFound, open_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account and its wallet (Rules 11.1, 11.6).

    `waiting`: what is deducted already and stands on the next monthly invoice (Rule 11.4).
    `erased_on`: the day on which its personal data was erased, None before.
    `subscriptions` counts its subscriptions by status, `failed` those whose renewal failed.
    """

    account: str
    owner: str | None
    billing_email: str | None
    currency: str
    timezone: str
    clock: str | None
    now: datetime
    mode: Mode
    balance: Decimal
    unbilled: Decimal
    receivable: Decimal
    overpayment: Decimal
    usable: Decimal
    reserved: Decimal
    liability: Decimal
    credit_limit: Decimal
    credit_limit_until: date | None
    card: str | None
    renew_by_card: bool
    auto_top_up: bool
    suspended: bool
    closed_on: date | None
    closed_for_good: bool
    erased_on: date | None
    waiting: Decimal
    subscriptions: dict[str, int]
    failed: int


def _of_account() -> Select[Any]:
    """An account with what waits for an invoice, and its subscriptions counted by status.

    `counts` are lists of a status, how many have it, and how many of them failed to renew.
    """
    waiting = select(func.coalesce(func.sum(MonthlyAmount.amount), 0)).where(
        MonthlyAmount.account == AccountRow.id,
        MonthlyAmount.invoice.is_(None),
        ~MonthlyAmount.consolidated,
    )
    by_status = func.counted_subscriptions(AccountRow.id).table_valued(
        "status", "counted", "failed"
    )
    line = func.jsonb_build_array(by_status.c.status, by_status.c.counted, by_status.c.failed)
    counts = select(func.coalesce(func.jsonb_agg(line), text("'[]'::jsonb"), type_=JSONB))
    return ACCOUNT.add_columns(
        waiting.scalar_subquery().label("waiting"),
        counts.select_from(by_status).scalar_subquery().label("counts"),
    )


_WHOLE = _of_account()


def find_account(ledger: Ledger, id_: str) -> AccountView:
    """One account. Raises NotFound."""
    with ledger.read() as connection:
        row = connection.execute(_WHOLE, {"id": id_, "of": ledger.seller}).one_or_none()
    if row is None:
        raise NotFound(f"there is no account {id_}")
    now = row.clock_now or machine_now()
    account = account_from(row)
    postpaid = account.mode is Mode.POSTPAID
    return AccountView(
        account=row.id,
        owner=row.owner,
        billing_email=row.billing_email,
        currency=row.currency,
        timezone=row.timezone,
        clock=row.clock,
        now=now,
        mode=account.mode,
        balance=row.balance,
        unbilled=account.unbilled if postpaid else ZERO,
        receivable=account.receivable if postpaid else ZERO,
        overpayment=account.overpayment if postpaid else ZERO,
        usable=account.usable(local_date(now, row.timezone)),
        reserved=row.reserved,
        liability=row.liability,
        credit_limit=row.credit_limit,
        credit_limit_until=row.credit_limit_until,
        card=row.card,
        renew_by_card=row.renew_by_card,
        auto_top_up=row.auto_top_up,
        suspended=row.suspended,
        closed_on=row.closed_on,
        closed_for_good=row.closed_for_good,
        erased_on=row.erased_on,
        waiting=row.waiting,
        subscriptions={status: n for status, n, _ in row.counts},
        failed=sum(failed for *_, failed in row.counts),
    )


def accounts_of(ledger: Ledger, subscriptions: list[str]) -> dict[str, str]:
    """The account of each of these subscriptions that exists."""
    query = (
        select(SubscriptionRow.id, SubscriptionRow.account)
        .join(AccountRow, AccountRow.id == SubscriptionRow.account)
        .where(SubscriptionRow.id.in_(subscriptions), AccountRow.seller == ledger.seller)
    )
    with open_snapshot(ledger) as snapshot:
        return {row.id: row.account for row in snapshot.connection.execute(query)}
