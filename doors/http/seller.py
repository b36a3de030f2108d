"""What the seller has: numbers, reports, and what became of its requests."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BeforeValidator

from core.domain import inputs
from core.domain.numbers import NumberState
from core.ledger.ledger import Ledger
from doors.http.callers import Caller, Calling
from doors.http.csv_files import csv_file
from doors.http.file_headers import CSV
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    AccountQuery,
    After,
    Day,
    Limit,
    PathId,
    PathNumber,
    SkuQuery,
    TestClocks,
)
from doors.http.routes import Routes
from doors.queries import report_csv
from doors.queries.list_names import MoneyReport
from doors.queries.numbers import NumberLine, NumberView, find_number, number_rows
from doors.queries.reports import ReportRow, money_report
from doors.queries.requests import find_request

routes = Routes("seller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of money, a row for each month, currency and text column (docs/reports.md)."""

    report: MoneyReport
    rows: list[ReportRow]


class RequestState(StrEnum):
    """Whether a request was carried out. OPEN: not, not yet, or a rule has refused it."""

    DONE = "done"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """What became of a request. The others are None while it is open.

    `do`: the command, or another operation of the API.
    `sentence`: what a command did, for a person. `result`: the same for a program.
    """

    request_id: str
    state: RequestState
    do: str | None = None
    sentence: str | None = None
    result: Mapping[str, Any] | None = None


@routes.get("/numbers", "list_numbers", Listed[NumberLine])
async def list_numbers(
    caller: Calling,
    state: NumberState | None = None,
    account: AccountQuery = None,
    sku: SkuQuery = None,
    test_clocks: TestClocks = False,
    after: After = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[NumberLine]:
    """The inventory of numbers (Rules 10.1 to 10.3)."""

    def read(ledger: Ledger) -> Listed[NumberLine]:
        rows = number_rows(
            ledger, state=state, account=account, sku=sku, test_clocks=test_clocks, after=after
        )
        return page_of(rows, limit, lambda row: row.number)

    return await caller.read(read)


@routes.get("/numbers/{number}", "show_number", NumberView)
async def show_number(caller: Calling, number: PathNumber) -> NumberView:
    """One number with its history."""
    return await caller.read(find_number, number)


@dataclass(frozen=True, slots=True)
class Months:
    """The months of a report, by their first days, and whose accounts it is about."""

    first: date
    last: date
    with_test_clocks: bool


async def _months(  # FastAPI would run it in a thread otherwise.
    first: Annotated[Day, Query(alias="from", description="The first day of the first month.")],
    last: Annotated[Day, Query(alias="to", description="The first day of the last month.")],
    test_clocks: Annotated[
        bool,
        Query(description="Whether accounts on test clocks are there, in rows of their own."),
        BeforeValidator(inputs.read_flag_text),
    ] = False,
) -> Months:
    return Months(first, last, test_clocks)


OfMonths = Annotated[Months, Depends(_months)]
"""The parameters of a report."""


@routes.get("/reports/{report}", "show_report", Report)
async def show_report(caller: Calling, report: MoneyReport, of: OfMonths) -> Report:
    """A report of money. `from` and `to` are the first days of the first and the last month."""
    return Report(report=report, rows=await _rows(caller, report, of))


@routes.file("/reports/{report}/csv", "export_report", [CSV])
async def export_report(caller: Calling, report: MoneyReport, of: OfMonths) -> Response:
    """The same report as CSV."""
    found = await _rows(caller, report, of)
    columns = report_csv.columns(report)

    async def rows() -> AsyncIterator[dict[str, Any]]:
        for row in found:
            yield report_csv.cells(report, row)

    return csv_file(report, columns, rows(), lambda row: [row[name] for name in columns])


async def _rows(caller: Caller, report: MoneyReport, of: Months) -> list[ReportRow]:
    return await caller.read(
        money_report, report, of.first, of.last, with_test_clocks=of.with_test_clocks
    )


@routes.get("/requests/{request_id:path}", "show_request", RequestView)
async def show_request(caller: Calling, request_id: PathId) -> RequestView:
    """What became of a request, by its idempotency key (Rule 4.2)."""
    found = await caller.read(find_request, request_id)
    if found is None:
        return RequestView(request_id=request_id, state=RequestState.OPEN)
    result = found.result
    return RequestView(
        request_id=request_id,
        state=RequestState.DONE,
        do=found.do,
        sentence=None if result is None else result.sentence(),
        result=None if result is None else result.data(),
    )
