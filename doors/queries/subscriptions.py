"""One subscription, as a person sees it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.domain.contents import Coming
from core.domain.money import without_currency
from core.domain.planner.renewals import renewal_date
from core.domain.steps import Step
from core.domain.subscription import Contract, Status
from core.ledger.ledger import Ledger
from core.ledger.period_amounts import PAID, REFUNDED
from core.ledger.rows import step_from
from core.ledger.tables import PeriodRow, SubscriptionRow
from doors.queries.pages import stream
from doors.queries.snapshot import SUBSCRIPTION, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """One paid cycle, or the days of a trial: what was paid for it and what was given back."""

    start: date
    expiry: date
    paid: Decimal
    refunded: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A subscription for a person.

    `assigned_to` is the e-mail address of its assignee. None is the account's owner. `members` are
    the addresses of those it is shared with. `numbers` are the SKUs of its numbers. `coming` are
    the changes that later cycles bring. `fee` is what the next cycle costs at today's prices. It is
    None where a price is missing or when the subscription is TERMINATED. `discount` is percent, as
    text. `now` is the instant by which it lives. `periods` are its paid cycles and the days of its
    trial. The other fields are as in `Subscription` and `Account`.
    """

    subscription: str
    account: str
    owner: str | None
    billing_email: str | None
    assigned_to: str | None
    members: tuple[str, ...]
    sku: str
    quantity: int
    multiplier: int
    addons: dict[str, int]
    numbers: dict[str, str]
    coming: tuple[Coming, ...]
    legacy: bool
    align: bool
    discount: str
    discount_cycles: int
    contract: Contract | None
    trial: bool
    status: Status
    auto_renew: bool
    renewal_failed: bool
    failure: str | None
    anchor: date
    cycle_months: int
    expiry: date
    renewal_date: date | None
    expired_on: date | None
    terminated_on: date | None
    cycles_paid: int
    policy_version: int
    fee: Decimal | None
    currency: str
    timezone: str
    suspended: bool
    clock: str | None
    now: datetime
    next_step: Step | None
    periods: list[PeriodView]


def find_subscription(ledger: Ledger, id_: str, *, with_periods: bool = True) -> SubscriptionView:
    """One subscription with its periods, or without them. Raises NotFound.

    One statement reads it with its periods, so it needs no transaction. What else is read is never
    changed, except for the numbers of one that is EXPIRED: they are as they are now.
    """
    with ledger.read() as connection:
        snapshot = Snapshot(connection, ledger)
        found = snapshot.subscription(id_, _WITH_PERIODS if with_periods else SUBSCRIPTION)
        row, subscription = found.row, found.subscription
        renews = subscription.status is Status.ACTIVE and not subscription.trial
        return SubscriptionView(
            subscription=row.id,
            account=row.account,
            owner=row.owner,
            billing_email=row.billing_email,
            assigned_to=row.assigned_to,
            members=tuple(row.members or ()),
            sku=subscription.sku,
            quantity=subscription.quantity,
            multiplier=subscription.multiplier,
            addons=dict(subscription.addons),
            numbers=dict(subscription.numbers),
            coming=subscription.coming,
            legacy=row.legacy,
            align=subscription.align,
            discount=without_currency(subscription.discount),
            discount_cycles=subscription.discount_cycles,
            contract=subscription.contract,
            trial=subscription.trial,
            status=subscription.status,
            auto_renew=row.auto_renew,
            renewal_failed=row.renewal_failed,
            failure=row.failure if row.renewal_failed else None,
            anchor=row.anchor,
            cycle_months=subscription.cycle_months,
            expiry=row.expiry,
            renewal_date=renewal_date(subscription, found.policy) if renews else None,
            expired_on=row.expired_on,
            terminated_on=row.terminated_on,
            cycles_paid=row.cycles_paid,
            policy_version=subscription.policy_version,
            fee=found.fee,
            currency=row.currency,
            timezone=row.timezone,
            suspended=row.suspended,
            clock=row.clock,
            now=found.now,
            next_step=step_from(row),
            periods=_joined(row) if with_periods else [],
        )


def period_rows(
    ledger: Ledger, subscription: str, *, newest_first: bool = True, after: date | None = None
) -> Iterator[PeriodView]:
    """The periods of a subscription, read page by page.

    `after`: only those that come after the one with this last day.
    """
    query = _PERIODS.where(PeriodRow.subscription == subscription)
    if not newest_first:
        with ledger.read() as connection:
            yield from _views(connection.execute(query.order_by(PeriodRow.expiry)))
        return

    def read(last: date | None) -> tuple[list[PeriodView], date | None]:
        older = query if last is None else query.where(PeriodRow.expiry < last)
        found = _newest(ledger, older, _PAGE)
        return found, found[-1].expiry if len(found) == _PAGE else None

    yield from stream(read, after)


def newest_periods(ledger: Ledger, subscription: str, most: int) -> list[PeriodView]:
    """The newest periods of a subscription, the newest first."""
    return _newest(ledger, _PERIODS.where(PeriodRow.subscription == subscription), most)


_PAGE = 500
#: What is read of a period, by the names of the fields of `PeriodView`.
_FIELDS: dict[str, ColumnElement[Any]] = {
    "start": PeriodRow.start.expression,
    "expiry": PeriodRow.expiry.expression,
    "paid": PAID,
    "refunded": REFUNDED,
}
_PERIODS = select(*(column.label(name) for name, column in _FIELDS.items()))
#: The periods of a subscription, each field as a list in the order of their last days.
_LISTS = (
    select(
        *(
            func.array_agg(aggregate_order_by(column, PeriodRow.expiry)).label(f"{name}_of_periods")
            for name, column in _FIELDS.items()
        )
    )
    .where(PeriodRow.subscription == SubscriptionRow.id)
    .correlate(SubscriptionRow)
    .lateral()
)
_WITH_PERIODS = SUBSCRIPTION.add_columns(*_LISTS.c).join(_LISTS, true())


def _joined(row: Any) -> list[PeriodView]:
    lists = (getattr(row, column.name) or [] for column in _LISTS.c)
    return _views(zip(*lists, strict=True))


def _newest(ledger: Ledger, query: Select[Any], most: int) -> list[PeriodView]:
    with ledger.read() as connection:
        return _views(connection.execute(query.order_by(PeriodRow.expiry.desc()).limit(most)))


def _views(rows: Iterable[Sequence[Any]]) -> list[PeriodView]:
    """Periods from rows of the values of `_FIELDS`."""
    return [PeriodView(**dict(zip(_FIELDS, row, strict=True))) for row in rows]
