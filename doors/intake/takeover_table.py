"""The subscriptions that came in, as they are now: a table that both systems can be held against.

It is read page by page. The columns are those of a dry run's table, so the two can be compared.
"""

import csv
from collections.abc import Iterator
from typing import TextIO

from sqlalchemy import Connection, select

from core.domain.calendar import local_date
from core.domain.fees import payable
from core.domain.price_in_force import next_fee_lines
from core.domain.refusal import Refused
from core.domain.subscription import ZERO, Status
from core.ledger import imports
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.imports import Came, ImportLine
from core.ledger.ledger import Ledger
from core.ledger.rows import subscription_from
from core.ledger.tables import AccountRow, Clock, Seller, SubscriptionRow
from doors.intake.import_outlook import COLUMNS, ExpectedRow

PAGE = 1_000
"""Rows that are read at once."""

_ROWS = (
    select(
        SubscriptionRow.__table__,
        AccountRow.currency,
        AccountRow.timezone,
        Clock.now.label("clock_now"),
    )
    .join(AccountRow, AccountRow.id == SubscriptionRow.account)
    .outerjoin(Clock, Clock.id == AccountRow.clock)
)


def came_in(ledger: Ledger, line: ImportLine) -> Iterator[ExpectedRow]:
    """The subscriptions of an import that were not taken back, as they are now."""
    after = Came("", "")
    while True:
        with ledger.read() as connection:
            came = imports.page(connection, line.id, after, PAGE)
            yield from _as_they_are(ledger, connection, [one.subject for one in came])
        if len(came) < PAGE:
            return
        after = came[-1]


def write_table(rows: Iterator[ExpectedRow], file: TextIO) -> int:
    """Write a table of subscriptions as CSV. Returns how many there are."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(row.cells())
        count += 1
    return count


def _as_they_are(ledger: Ledger, connection: Connection, ids: list[str]) -> list[ExpectedRow]:
    if not ids:
        return []
    revision = connection.execute(
        select(Seller.catalog_revision).where(Seller.id == ledger.seller)
    ).scalar_one()
    catalog = ledger.references.catalog(connection, ledger.seller, revision)
    found = []
    query = _ROWS.where(one_of(SubscriptionRow.id, ids)).order_by(SubscriptionRow.account)
    for row in connection.execute(query):
        today = local_date(row.clock_now or machine_now(), row.timezone)
        subscription = subscription_from(row).settled(today)
        fee = ZERO
        if subscription.status is not Status.TERMINATED:
            try:
                fee = payable(
                    subscription, next_fee_lines(subscription, catalog, row.currency, today)
                )
            except Refused:  # The catalogue has no price for it. `show` says so.
                fee = ZERO
        renews = (
            subscription.status is Status.ACTIVE
            and subscription.auto_renew
            and not subscription.trial
        )
        found.append(
            ExpectedRow(
                subscription=subscription.id,
                account=subscription.account,
                status=str(subscription.status),
                auto_renew=subscription.auto_renew,
                paid_until=subscription.expiry,
                renews_on=max(row.renewal_date, local_date(subscription.planned_at, row.timezone))
                if renews
                else None,
                next_fee=fee,
                currency=row.currency,
            )
        )
    return found
