"""What the seller has: the catalogue, the policy, numbers, campaigns, reports, requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator

from core.domain import catalog, inputs, policy
from core.domain.campaigns import CampaignState
from core.domain.numbers import NumberState
from core.ledger.ledger import Ledger
from doors.http.callers import Calling
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    AccountQuery,
    After,
    FirstDay,
    LastDay,
    Limit,
    PathId,
    SkuQuery,
    TestClocks,
)
from doors.http.routes import Routes
from doors.queries.campaigns import CampaignLine, CampaignView, find_campaign, list_campaigns
from doors.queries.list_names import MoneyReport
from doors.queries.numbers import NumberLine, NumberView, find_number, number_rows
from doors.queries.reports import ReportRow, money_report
from doors.queries.requests import find_request
from doors.queries.terms_in_force import catalog_in_force, policy_in_force

routes = Routes("seller")

PathNumber = Annotated[PathId, BeforeValidator(inputs.read_number)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogInForce:
    """What is sold: the entries of the catalogue as they were loaded, with all their versions."""

    entries: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """The terms in force (Rule 14). Version 0 is the defaults."""

    version: int
    policy: dict[str, Any]


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

    `do`: the command. `sentence`: what it did, for a person. `result`: the same for a program.
    """

    request_id: str
    state: RequestState
    do: str | None = None
    sentence: str | None = None
    result: Mapping[str, Any] | None = None


@routes.get("/catalog", "show_catalog", CatalogInForce)
async def show_catalog(caller: Calling) -> CatalogInForce:
    """What is sold, with every version of the prices."""
    found = await caller.read(catalog_in_force)
    return CatalogInForce(entries=catalog.entries(found))


@routes.get("/policy", "show_policy", PolicyInForce)
async def show_policy(caller: Calling) -> PolicyInForce:
    """The terms in force (Rule 14)."""
    version, found = await caller.read(policy_in_force)
    return PolicyInForce(version=version, policy=policy.document(found))


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


@routes.get("/campaigns", "list_campaigns", Listed[CampaignLine])
async def campaigns(
    caller: Calling,
    state: CampaignState | None = None,
    after: After = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[CampaignLine]:
    """Campaigns, the newest first (docs/campaigns.md)."""

    def read(ledger: Ledger) -> Listed[CampaignLine]:
        rows = list_campaigns(ledger, state=state, after=after, most=limit + 1)
        return page_of(iter(rows), limit, lambda row: row.campaign)

    return await caller.read(read)


@routes.get("/campaigns/{campaign}", "show_campaign", CampaignView)
async def show_campaign(caller: Calling, campaign: PathId) -> CampaignView:
    """One campaign with its counts and sums."""
    return await caller.read(find_campaign, campaign)


@routes.get("/reports/{report}", "show_report", Report)
async def show_report(
    caller: Calling,
    report: MoneyReport,
    first: FirstDay,
    last: LastDay,
    test_clocks: Annotated[
        bool,
        Query(description="Whether accounts on test clocks are there, in rows of their own."),
        BeforeValidator(inputs.read_flag_text),
    ] = False,
) -> Report:
    """A report of money. `from` and `to` are the first days of the first and the last month."""
    rows = await caller.read(money_report, report, first, last, with_test_clocks=test_clocks)
    return Report(report=report, rows=rows)


@routes.get("/requests/{request_id:path}", "show_request", RequestView)
async def show_request(caller: Calling, request_id: PathId) -> RequestView:
    """What became of a request, by its idempotency key (Rule 4.2)."""
    found = await caller.read(find_request, request_id)
    if found is None or found.result is None:
        state = RequestState.OPEN if found is None else RequestState.DONE
        return RequestView(request_id=request_id, state=state)
    return RequestView(
        request_id=request_id,
        state=RequestState.DONE,
        do=found.result.do,
        sentence=found.result.sentence(),
        result=found.result.data(),
    )
