"""Subscriptions: one of them, its live state, its history, why it renewed, and work lists."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.faults import Fault, Faults
from core.ledger.clocks import machine_now
from core.ledger.ledger import Committed, Ledger
from core.protocol.activity_messages import Snapshot
from doors.application.patience import told_in_time
from doors.http.callers import Calling
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    AccountQuery,
    After,
    AfterPosition,
    ClockQuery,
    Limit,
    Order,
    PathId,
    SomeFirstDay,
    SomeLastDay,
    Sort,
    SubscriptionQuery,
    TestClocks,
    in_order,
)
from doors.http.routes import Routes
from doors.queries.explanations import Explanation, explain_subscription
from doors.queries.histories import HistoryLine, account_lines, subscription_lines
from doors.queries.list_names import WorkList
from doors.queries.snapshot import open_snapshot
from doors.queries.subscriptions import SubscriptionView, find_subscription
from doors.queries.work_lists import ListRow, WorkFilter, work_rows

QUERY_SECONDS = 0.5
"""So long a workflow may take to tell its state. After that the database tells it."""

routes = Routes("subscriptions")


class Source(StrEnum):
    """Who has told a state."""

    WORKFLOW = "workflow"
    DATABASE = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of a subscription, who has told it, and when (UTC)."""

    source: Source
    as_of: datetime
    state: Snapshot


@routes.get("/subscriptions/{subscription:path}", "show_subscription", SubscriptionView)
async def show_subscription(caller: Calling, subscription: PathId) -> SubscriptionView:
    """One subscription with its periods, from the database."""
    return await caller.read(find_subscription, subscription)


@routes.get("/states/{subscription:path}", "show_state", State)
async def show_state(caller: Calling, subscription: PathId) -> State:
    """The live state of a subscription, told by its workflow.

    When no worker tells it within 500 ms, the database does. `source` says which.
    """
    await caller.read(_exists, subscription)
    live = await told_in_time(caller.perennial.state(subscription), QUERY_SECONDS)
    if live is not None:
        return State(source=Source.WORKFLOW, as_of=machine_now(), state=live)
    [committed] = await caller.read(_committed, subscription)
    return State(source=Source.DATABASE, as_of=machine_now(), state=committed.snapshot)


def _exists(ledger: Ledger, subscription: str) -> None:
    with open_snapshot(ledger) as snapshot:
        snapshot.subscription_row(subscription)


def _committed(ledger: Ledger, subscription: str) -> list[Committed[Snapshot]]:
    return ledger.snapshots([subscription], machine_now())


@routes.get("/explanations/{subscription:path}", "explain", Explanation)
async def explain(caller: Calling, subscription: PathId) -> Explanation:
    """Why a subscription renewed or did not renew, with the rules, and what comes next."""
    return await caller.read(explain_subscription, subscription)


@routes.get("/history", "list_history", Listed[HistoryLine])
async def list_history(
    caller: Calling,
    account: AccountQuery = None,
    subscription: SubscriptionQuery = None,
    sort: Sort = Order.NEWEST,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[HistoryLine]:
    """The history of an account or of a subscription, by time. Exactly one is named."""

    def read(ledger: Ledger) -> Listed[HistoryLine]:
        newest, page = sort.newest_first, limit + 1
        if subscription is not None and account is None:
            rows = subscription_lines(
                ledger, subscription, after=after, newest_first=newest, page=page
            )
        elif account is not None and subscription is None:
            rows = account_lines(ledger, account, after=after, newest_first=newest, page=page)
        else:
            raise Faults([Fault("account", "exactly one of account or subscription is needed")])
        return page_of(rows, limit, lambda row: row.seq)

    return await caller.read(read)


@routes.get("/work-lists/{which}", "list_work", Listed[ListRow])
async def list_work(
    caller: Calling,
    which: WorkList,
    account: AccountQuery = None,
    clock: ClockQuery = None,
    test_clocks: TestClocks = False,
    expiry_from: SomeFirstDay = None,
    expiry_to: SomeLastDay = None,
    after: After = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[ListRow]:
    """A work list of support, by account and subscription (Rule 6.3).

    `from` and `to` are expiry dates. `after` is a subscription of the list.
    """
    in_order(expiry_from, expiry_to)
    of = WorkFilter(
        account=account,
        clock=clock,
        test_clocks=test_clocks,
        expiry_from=expiry_from,
        expiry_to=expiry_to,
    )

    def read(ledger: Ledger) -> Listed[ListRow]:
        rows = work_rows(ledger, which, of, after=after)
        return page_of(rows, limit, lambda row: row.subscription)

    return await caller.read(read)
