"""A report of money as tables."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from core.domain.inputs import Wrong, read_day
from core.domain.money import plain
from core.ledger.clocks import machine_now
from doors.commandline import inputs
from doors.commandline.tables import Printed, add_row, table
from doors.queries.list_names import MoneyReport
from doors.queries.report_csv import cell
from doors.queries.reports import COLUMNS, ReportRow

_ON_CLOCK = "test clock"
_HEADS = {"to_wallets": "To wallets"}


def month(place: str, value: str | None) -> date:
    """The first day of a month such as 2026-01. None is the present month (UTC).

    Raises `Faults`.
    """
    if value is None:
        return machine_now().date().replace(day=1)
    try:
        return read_day(f"{value}-01", inputs.YEARS)
    except Wrong:
        inputs.wrong(place, f"{value[:40]!r} is no month; write it as 2026-01")


def tables_of(
    report: MoneyReport,
    page: Sequence[ReportRow],
    rows: Sequence[ReportRow],
    first: date,
    last: date,
) -> list[Printed]:
    """A table of a page. The last page ends with the sums of all real accounts by currency.

    `page`: the rows of the page. `rows`: all rows of the report.
    """
    months = f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} to {last:%Y-%m}"
    if not page:
        return [f"There is nothing to report for {months}."]
    names = COLUMNS[report]
    numbers = [name for name in names if not isinstance(rows[0].values[name], str)]
    marked = any(row.on_test_clock for row in rows)
    heads = [*map(_head, names), *(["Accounts"] if marked else [])]
    title = f"{_head(report.value)}, {months} (UTC)"
    made = table(title, "Month", "Currency", *heads, right=list(map(_head, numbers)))
    for row in page:
        cells = [str(cell(row, name)) for name in names]
        clock = [_ON_CLOCK if row.on_test_clock else ""] if marked else []
        add_row(made, f"{row.month:%Y-%m}", row.currency, *cells, *clock)
    if report is not MoneyReport.DEFERRED and len(rows) > 1 and page[-1] is rows[-1]:
        for currency in sorted({row.currency for row in rows if not row.on_test_clock}):
            sums = [_sum(rows, currency, name) if name in numbers else "" for name in names]
            add_row(made, "sum", currency, *sums, *([""] if marked else []), style="bold")
    return [made]


def _head(name: str) -> str:
    return _HEADS.get(name) or name.replace("-", " ").capitalize()


def _sum(rows: Sequence[ReportRow], currency: str, name: str) -> str:
    """The sum of a column over the real accounts of a currency."""
    mine = [row for row in rows if row.currency == currency and not row.on_test_clock]
    values = [row.values[name] for row in mine]
    amounts = [value for value in values if isinstance(value, Decimal)]
    if amounts:
        return plain(sum(amounts, Decimal(0)), currency)
    return str(sum(value for value in values if isinstance(value, int)))
