"""A report of money as rows for programs and spreadsheets, the same for every door."""

from decimal import Decimal
from typing import Any

from core.domain.money import plain
from doors.queries.list_names import MoneyReport
from doors.queries.reports import COLUMNS, ReportRow


def columns(report: MoneyReport) -> tuple[str, ...]:
    """The columns of a report."""
    return ("month", "currency", "on_test_clock", *COLUMNS[report])


def cells(report: MoneyReport, row: ReportRow) -> dict[str, Any]:
    """The cells of a row by column. Amounts are text with the decimals of their currency."""
    return {
        "month": f"{row.month:%Y-%m}",
        "currency": row.currency,
        "on_test_clock": row.on_test_clock,
        **{name: cell(row, name) for name in COLUMNS[report]},
    }


def cell(row: ReportRow, name: str) -> str | int:
    """One column of the report's own."""
    value = row.values[name]
    return plain(value, row.currency) if isinstance(value, Decimal) else value
