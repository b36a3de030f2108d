"""The erasing of an account's personal data, page by page (docs/decisions/0038).

A transaction marks the account and adds a row of `erasures`. Then page after page is erased, each
in a transaction of its own. A process that dies leaves the row behind, and the relay goes on. A
page that is erased again changes nothing.

What the law keeps is erased by the same way when its years are over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, exists, func, insert, or_, select, text, update

from core.domain import account_erasure
from core.domain.calendar import local_date
from core.domain.subscription import Status
from core.ledger.bulk_write import one_of
from core.ledger.ledger import Ledger
from core.ledger.tables import (
    AccountRow,
    Clock,
    Erasure,
    Invoice,
    MonthlyAmount,
    NumberRow,
    SubscriptionRow,
)

PARTS = (
    "accounts",
    "subscriptions",
    "history",
    "operations",
    "number_history",
    "deliveries",
    "card_charges",
    "invoices",
    "receipts",
    "customer_profiles",
)
"""What is erased, in this order. The guard `erase_account` knows what each one is."""
PAGE = 500
"""So many rows are erased in one transaction."""

_DAY = timedelta(days=1)
_ERASE_PAGE = text(
    "SELECT looked_at, last FROM erase_page(:account, :part, :after, :most, :kept_since)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """An account whose erasing is not finished.

    `first`: it was not erased before. Otherwise the years of some of its invoices are over.
    `years`: how long the law keeps invoices. `today`: the local date of the account.
    """

    account: str
    first: bool
    years: int
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """How many rows were looked at, and where the next page begins. None after the last one."""

    looked_at: int
    last: str | None


def left(connection: Connection, account: str) -> str | None:
    """What an account still has that must end first, in words. None: nothing.

    Amounts are not looked at. The account's row must be locked.
    """
    living = select(SubscriptionRow.id, SubscriptionRow.status).where(
        SubscriptionRow.account == account, SubscriptionRow.status != Status.TERMINATED
    )
    if row := connection.execute(living.order_by(SubscriptionRow.id).limit(1)).one_or_none():
        return (
            f"{row.id} of account {account} is {row.status}; "
            "erase the account when it is TERMINATED"
        )
    number = select(NumberRow.number, NumberRow.state).where(NumberRow.account == account)
    if row := connection.execute(number.order_by(NumberRow.number).limit(1)).one_or_none():
        return (
            f"number {row.number} is {row.state} for account {account}; it must be released first"
        )
    waiting = exists().where(MonthlyAmount.account == account, MonthlyAmount.invoice.is_(None))
    if connection.execute(select(waiting)).scalar():
        return f"account {account} gets one more monthly invoice; erase it after that"
    unnumbered = exists().where(Invoice.account == account, Invoice.number.is_(None))
    if connection.execute(select(unnumbered)).scalar():
        return f"an invoice of account {account} has no number yet; try again in a minute"
    return None


def kept(connection: Connection, account: str, today: date, years: int) -> tuple[int, date | None]:
    """How many invoices the law keeps, and the date of the newest one. None for none."""
    since = account_erasure.kept_since(today, years)
    query = select(func.count(), func.max(Invoice.date)).where(
        Invoice.account == account, Invoice.date >= since
    )
    count, newest = connection.execute(query).one()
    return count, newest


def note(
    connection: Connection,
    account: str,
    seller: str,
    *,
    at: datetime,
    years: int,
    kept_until: date | None,
) -> None:
    """Note that an account is to be erased, in the transaction that has marked it."""
    values = {"account": account, "seller": seller, "asked_at": at, "years": years}
    connection.execute(insert(Erasure).values(**values, kept_until=kept_until))


def unfinished(
    ledger: Ledger, account: str | None = None, *, past: Iterable[str] = (), most: int = 100
) -> list[Erasing]:
    """Accounts that are to be erased now, the oldest first.

    `account`: only this one. `past`: those that are skipped. `most`: how many, at most.
    """
    now = ledger.machine_now()
    due = or_(Erasure.erased_at.is_(None), Erasure.again_on <= now.date())
    query = (
        select(
            Erasure.account,
            Erasure.erased_at,
            Erasure.years,
            AccountRow.timezone,
            func.coalesce(Clock.now, now).label("now"),
        )
        .join(AccountRow, AccountRow.id == Erasure.account)
        .outerjoin(Clock, Clock.id == AccountRow.clock)
        .where(due, ~one_of(Erasure.account, [*past]))
        .order_by(Erasure.asked_at, Erasure.account)
        .limit(most)
    )
    if account is not None:
        query = query.where(Erasure.account == account)
    with ledger.read() as connection:
        return [
            Erasing(
                account=row.account,
                first=row.erased_at is None,
                years=row.years,
                today=local_date(row.now, row.timezone),
            )
            for row in connection.execute(query)
        ]


def erase_page(ledger: Ledger, erasing: Erasing, part: str, after: str | None) -> Page:
    """Erase a page of one of the `PARTS`, in a transaction of its own.

    `after`: the `last` of the page before, None for the first.
    """
    values = {
        "account": erasing.account,
        "part": part,
        "after": after,
        "most": PAGE,
        "kept_since": account_erasure.kept_since(erasing.today, erasing.years),
    }
    with ledger.transaction("erase_page") as connection:
        page = connection.execute(_ERASE_PAGE, values).one()
    return Page(looked_at=page.looked_at, last=page.last)


def subscriptions_of(ledger: Ledger, account: str, after: str = "") -> list[str]:
    """The ids of an account's subscriptions, at most a page of them. `after`: those after it."""
    query = select(SubscriptionRow.id).where(
        SubscriptionRow.account == account, SubscriptionRow.id > after
    )
    with ledger.read() as connection:
        return list(connection.execute(query.order_by(SubscriptionRow.id).limit(PAGE)).scalars())


def end(ledger: Ledger, erasing: Erasing) -> None:
    """Note that everything is erased that the law does not keep, and when to come back."""
    since = account_erasure.kept_since(erasing.today, erasing.years)
    oldest = (
        select(func.min(Invoice.date))
        .where(Invoice.account == erasing.account, Invoice.date >= since)
        .scalar_subquery()
    )
    with ledger.transaction("erased") as connection:
        kept_from = connection.execute(select(oldest)).scalar()
        until = None if kept_from is None else account_erasure.kept_until(kept_from, erasing.years)
        connection.execute(
            update(Erasure)
            .where(Erasure.account == erasing.account)
            .values(
                erased_at=func.coalesce(Erasure.erased_at, ledger.machine_now()),
                again_on=None if until is None else until + _DAY,
            )
        )
