"""What was paid for a period, by whom, and what was given back of it (Rules 8.2, 8.3, 8.4)."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.orm import aliased

from core.domain.refunds import PaidPeriod
from core.domain.subscription import ZERO, Period
from core.ledger.tables import History, Operation, PeriodCharge, PeriodRow, RefundRow


def _sum_of(amount: Any, period: Any) -> Any:
    return (
        select(func.coalesce(func.sum(amount), 0)).where(period == PeriodRow.id).scalar_subquery()
    )


#: The sum of the charges of a period, in a query on `periods`.
PAID = _sum_of(PeriodCharge.amount, PeriodCharge.period)
#: The sum of the refunds of a period, in a query on `periods`.
REFUNDED = _sum_of(RefundRow.amount, RefundRow.period)

_GIVING_BACK = aliased(Operation)
_REFUNDED_TO_PAYER = (
    select(func.coalesce(func.sum(RefundRow.amount), 0))
    .join(_GIVING_BACK, _GIVING_BACK.id == RefundRow.operation)
    .where(RefundRow.period == PeriodRow.id, _GIVING_BACK.account == Operation.account)
    .correlate(PeriodRow, Operation)
    .scalar_subquery()
)
#: The place of a charge in the history. Ids of operations are in no order of time.
_CHARGED_IN = (
    select(func.min(History.seq))
    .where(
        History.subscription == PeriodRow.subscription,
        History.operation == PeriodCharge.operation,
    )
    .correlate(PeriodRow, PeriodCharge)
    .scalar_subquery()
)
_BY_PAYER = (
    select(
        PeriodRow.__table__,
        Operation.account.label("payer"),
        func.sum(PeriodCharge.amount).label("paid"),
        _REFUNDED_TO_PAYER.label("refunded"),
    )
    .join(PeriodCharge, PeriodCharge.period == PeriodRow.id)
    .join(Operation, Operation.id == PeriodCharge.operation)
    .where(PeriodRow.subscription == bindparam("of"))
    .group_by(PeriodRow.id, Operation.account)
    .order_by(PeriodRow.start, PeriodRow.id, func.min(_CHARGED_IN))
)


def paid_periods(
    connection: Connection, subscription: str, refundable: Callable[[date], bool]
) -> list[PaidPeriod]:
    """The periods of a subscription, oldest first, as a refund sees them.

    A period that several accounts have paid is there for each, the first payer first. A period that
    no wallet has paid is not there. `refundable` tells whether the SKU of a period that starts on a
    day allows refunds.
    """
    rows = connection.execute(_BY_PAYER, {"of": subscription})
    return [_period(row, refundable(row.start)) for row in rows]


def bought_on(connection: Connection, subscription: str) -> date:
    """The day on which a subscription was bought: the start of its first period, paid or free."""
    first = select(func.min(PeriodRow.start)).where(PeriodRow.subscription == subscription)
    bought: date = connection.execute(first).scalar_one()
    return bought


def periods_not_over(connection: Connection, subscription: str, today: date) -> dict[int, Period]:
    """The paid periods of a subscription whose last day is today or later, by id, oldest first."""
    query = (
        select(PeriodRow.__table__)
        .where(PeriodRow.subscription == subscription, PeriodRow.expiry >= today)
        .order_by(PeriodRow.expiry)
    )
    return {
        row.id: Period(
            start=row.start,
            expiry=row.expiry,
            months=row.months,
            scheduled_start=row.scheduled_start,
            left_over=row.left_over or 0,
            left_over_of=row.left_over_of or 1,
            discount=row.discount or ZERO,
        )
        for row in connection.execute(query)
    }


def _period(row: Any, refundable: bool) -> PaidPeriod:
    return PaidPeriod(
        id=row.id,
        payer=row.payer,
        start=row.start,
        expiry=row.expiry,
        months=row.months,
        paid=Decimal(row.paid),
        refunded=Decimal(row.refunded),
        refundable=refundable,
    )
