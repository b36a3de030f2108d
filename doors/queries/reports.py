"""The reports of money, per currency and month (docs/reports.md). Each sums to the ledger.

Each report is a view of the database (`core/ledger/guards/reports.sql`), read for some months of
one seller. By the index `operations_month` it reads the operations of those months, and their
postings. `deferred` also reads the periods whose last day is in these months or later, by the index
`periods_expiry`. `receivables` reads the postpaid accounts that owe something, and their
consolidated invoices.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, column, select, table

from core.domain.calendar import add_months
from core.domain.faults import Fault, Faults
from core.ledger.ledger import Ledger
from doors.queries.list_names import MoneyReport
from doors.queries.snapshot import open_snapshot

MOST_MONTHS = 120
"""So many months are in one report at most."""

#: The columns of each report beside its month and currency.
COLUMNS: Mapping[MoneyReport, tuple[str, ...]] = MappingProxyType(
    {
        MoneyReport.MONEY_IN: ("source", "purpose", "movements", "amount"),
        MoneyReport.FEES: ("purpose", "movements", "amount"),
        MoneyReport.REFUNDS: ("purpose", "refunds", "given", "kept", "to_wallets"),
        MoneyReport.MARGIN: ("fees", "used", "refunds", "kept", "cost", "margin"),
        MoneyReport.DEFERRED: ("before", "paid", "refunded", "served", "deferred"),
        MoneyReport.RECEIVABLES: ("age", "invoices", "amount"),
        MoneyReport.BOOKS: ("book", "postings", "amount"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A row of a report.

    `month`: the first day of the month (UTC).
    `on_test_clock`: whether it is about accounts on test clocks.
    `values`: the columns of the report, in the order of `COLUMNS`. Amounts are in the currency, and
    may have 5 decimals.
    """

    month: date
    currency: str
    on_test_clock: bool
    values: dict[str, str | int | Decimal]


def money_report(
    ledger: Ledger,
    report: MoneyReport,
    first: date,
    last: date,
    *,
    seller: str | None = None,
    with_test_clocks: bool = False,
) -> list[ReportRow]:
    """The rows of a report, by month, currency and text columns.

    `first`, `last`: the first days of the first and the last month. Of `receivables` they are the
    months of the invoices. What is owed is what is owed now.
    `seller`: default the seller of the ledger.
    `with_test_clocks`: whether accounts on test clocks are there, too, in rows of their own.

    Raises `Faults` when the months are not in order, or more than `MOST_MONTHS`.
    """
    check_months(first, last)
    with open_snapshot(ledger) as snapshot:
        query = _query(report, first, last, seller or ledger.seller, with_test_clocks)
        rows = snapshot.connection.execute(query)
        return [
            ReportRow(
                month=row.month,
                currency=row.currency,
                on_test_clock=row.on_test_clock,
                values={name: row._mapping[name] for name in COLUMNS[report]},
            )
            for row in rows
        ]


def usual_first_month(report: MoneyReport, last: date) -> date:
    """The first month of a report of which only the last one is named, by first days.

    What is owed may be old, so `receivables` reaches as far back as a report can.
    """
    if report is MoneyReport.RECEIVABLES:
        return add_months(last, 1 - MOST_MONTHS)
    return last


def check_months(first: date, last: date) -> None:
    """Refuse months that are no first days, not in order, or too many. Raises `Faults`."""
    faults = [
        Fault(place, f"{day} is not the first day of a month; {day.replace(day=1)} is allowed")
        for place, day in (("from", first), ("to", last))
        if day.day != 1
    ]
    if faults:
        raise Faults(faults)
    if first > last:
        raise Faults([Fault("from", f"{first:%Y-%m} is after {last:%Y-%m}")])
    if add_months(first, MOST_MONTHS) <= last:
        raise Faults([Fault("from", f"a report has at most {MOST_MONTHS} months")])


def _query(
    report: MoneyReport, first: date, last: date, seller: str, with_test_clocks: bool
) -> Select[Any]:
    names = ("month", "currency", "on_test_clock", *COLUMNS[report])
    view = table(f"report_{report.value.replace('-', '_')}", column("seller"), *map(column, names))
    query = select(*(view.c[name] for name in names)).where(
        view.c.seller == seller, view.c.month.between(first, last)
    )
    if not with_test_clocks:
        query = query.where(~view.c.on_test_clock)
    return query.order_by(*(view.c[name] for name in names[:5]))
