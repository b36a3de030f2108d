"""The subscriptions of one account, however many, by state."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, assert_never

from sqlalchemy import ColumnElement, and_, literal_column, select

from core.domain.subscription import Status
from core.ledger.ledger import Ledger
from core.ledger.tables import SubscriptionRow
from doors.queries.pages import stream
from doors.queries.snapshot import open_snapshot

#: The subscriptions of one query, and how many it looks at when no index holds the state.
_PAGE, _LOOKED_AT = 200, 2000


class Having(StrEnum):
    """Which subscriptions are listed."""

    ALL = "all"
    ACTIVE = "active"
    FAILED = "failed"
    EXPIRED = "expired"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSubscription:
    """A subscription in the list of its account. The fields are as in `SubscriptionView`."""

    subscription: str
    sku: str
    quantity: int
    trial: bool
    status: Status
    auto_renew: bool
    renewal_failed: bool
    failure: str | None
    expiry: date
    renewal_date: date | None
    assigned_to: str | None


_COLUMNS = (
    SubscriptionRow.id,
    SubscriptionRow.sku,
    SubscriptionRow.quantity,
    SubscriptionRow.trial,
    SubscriptionRow.status,
    SubscriptionRow.auto_renew,
    SubscriptionRow.renewal_failed,
    SubscriptionRow.failure,
    SubscriptionRow.expiry,
    SubscriptionRow.renewal_date,
    SubscriptionRow.assigned_to,
)


def own_subscriptions(
    ledger: Ledger, account: str, having: Having = Having.ALL, *, after: str | None = None
) -> Iterator[OwnSubscription]:
    """The subscriptions of an account by id, read page by page. Raises NotFound at the first one.

    `after`: the id after which they start. Default: all.
    """
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(account)

    by_index = having not in (Having.ACTIVE, Having.TERMINATED)
    looked_at = _PAGE if by_index else _LOOKED_AT

    def read(last: str | None) -> tuple[list[OwnSubscription], str | None]:
        query = (
            select(*_COLUMNS)
            .where(SubscriptionRow.account == account, *_condition(having))
            .order_by(SubscriptionRow.id)
            .limit(looked_at)
        )
        if last is not None:
            query = query.where(SubscriptionRow.id > last)
        with open_snapshot(ledger) as snapshot:
            rows = snapshot.connection.execute(query).all()
        found = [_line(row) for row in rows if by_index or row.status == having.upper()]
        return found, rows[-1].id if len(rows) == looked_at else None

    yield from stream(read, after)


def _condition(having: Having) -> list[ColumnElement[bool]]:
    """The condition of an index. Its words are constants, so that the index is used."""
    match having:
        case Having.FAILED:
            return [and_(SubscriptionRow.renewal_failed)]
        case Having.EXPIRED:
            return [SubscriptionRow.status == literal_column(f"'{Status.EXPIRED}'")]
        case Having.ALL | Having.ACTIVE | Having.TERMINATED:
            return []
        case unreachable:
            assert_never(unreachable)


def _line(row: Any) -> OwnSubscription:
    renews = row.status == Status.ACTIVE and not row.trial and row.auto_renew
    return OwnSubscription(
        subscription=row.id,
        sku=row.sku,
        quantity=row.quantity,
        trial=row.trial,
        status=Status(row.status),
        auto_renew=row.auto_renew,
        renewal_failed=row.renewal_failed,
        failure=row.failure if row.renewal_failed else None,
        expiry=row.expiry,
        renewal_date=row.renewal_date if renews else None,
        assigned_to=row.assigned_to,
    )
