"""What was paid for a period, and what was given back of it (Rules 8.2, 8.4)."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from core.domain.refunds import PaidPeriod
from core.domain.subscription import ZERO, Period
from core.ledger.tables import PeriodCharge, PeriodRow, RefundRow


def _sum_of(amount: Any, period: Any) -> Any:
    return (
        select(func.coalesce(func.sum(amount), 0)).where(period == PeriodRow.id).scalar_subquery()
    )


#: The sum of the charges of a period, in a query on `periods`.
PAID = _sum_of(PeriodCharge.amount, PeriodCharge.period)
#: The sum of the refunds of a period, in a query on `periods`.
REFUNDED = _sum_of(RefundRow.amount, RefundRow.period)


def paid_periods(
    connection: Connection, subscription: str, refundable: Callable[[str], bool]
) -> list[PaidPeriod]:
    """The periods of a subscription, oldest first, as a refund sees them.

    `refundable` tells whether a SKU allows refunds.
    """
    query = (
        select(PeriodRow.__table__, PAID.label("paid"), REFUNDED.label("refunded"))
        .where(PeriodRow.subscription == subscription)
        .order_by(PeriodRow.start, PeriodRow.id)
    )
    return [_period(row, refundable(row.sku)) for row in connection.execute(query)]


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
    paid, refunded = Decimal(row.paid), Decimal(row.refunded)
    return PaidPeriod(row.id, row.start, row.expiry, row.months, paid, refunded, refundable)
