"""One subscription: its time line, its next step, why it renewed or not, and what it takes."""

import asyncio
from dataclasses import dataclass

from core.domain.steps import Step
from core.ledger.ledger import Ledger
from doors.access.staff import StaffCaller
from doors.application.patience import told_in_time
from doors.console.offers import offers
from doors.console.pages import Page, Pages
from doors.console.parameters import ROWS, AfterPosition, PathId
from doors.console.time_line_drawing import drawn
from doors.console.visitors import Visiting
from doors.http.pages import Listed, page_of
from doors.http.subscriptions import QUERY_SECONDS
from doors.queries.cycle_reasons import renewals_since_purchase
from doors.queries.explanations import explain_subscription
from doors.queries.histories import HistoryLine, subscription_lines
from doors.queries.possible_commands import possible_on_subscription
from doors.queries.subscriptions import (
    PeriodView,
    SubscriptionView,
    find_subscription,
    newest_periods,
)
from doors.queries.time_lines import time_line

_PERIODS = 24

pages = Pages()


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a workflow tells: its next step, and why it has not renewed."""

    next_step: Step | None
    why: str


@pages.get("/subscriptions/{subscription:path}", "show_subscription")
async def subscription(visitor: Visiting, subscription: PathId) -> Page:
    """One subscription."""
    view = await visitor.read(_head, subscription)
    live = asyncio.create_task(_live(visitor, subscription))
    periods = await visitor.read(_newest_periods, subscription)
    line = await visitor.read(time_line, subscription)
    explanation = await visitor.read(explain_subscription, subscription)
    unusual = await visitor.read(renewals_since_purchase, subscription)
    possible = await visitor.read(possible_on_subscription, subscription)
    return Page(
        template="subscription.html",
        shows={
            "view": view,
            "live": await live,
            "line": line,
            "drawing": drawn(line),
            "why": explanation,
            "unusual": unusual,
            "offers": offers(visitor, possible),
            "periods": periods[:_PERIODS],
            "more_periods": len(periods) > _PERIODS,
        },
    )


def _head(ledger: Ledger, subscription: str) -> SubscriptionView:
    return find_subscription(ledger, subscription, with_periods=False)


def _newest_periods(ledger: Ledger, subscription: str) -> list[PeriodView]:
    """The newest periods first, and one more than are shown."""
    return newest_periods(ledger, subscription, _PERIODS + 1)


async def _live(visitor: StaffCaller, subscription: str) -> Live | None:
    """What the workflow tells. None when it does not respond in time."""

    async def ask() -> Live:
        step, why = await asyncio.gather(
            visitor.perennial.next_step(subscription),
            visitor.perennial.why_not_renewed(subscription),
        )
        return Live(next_step=step, why=why)

    return await told_in_time(ask(), QUERY_SECONDS)


@pages.get("/subscription-history/{subscription:path}", "list_history")
async def history(visitor: Visiting, subscription: PathId, after: AfterPosition = None) -> Page:
    """The whole history of a subscription, the newest first."""

    def read(ledger: Ledger) -> Listed[HistoryLine]:
        rows = subscription_lines(ledger, subscription, after=after)
        return page_of(rows, ROWS, lambda row: row.seq)

    view = await visitor.read(_head, subscription)
    found = await visitor.read(read)
    return Page(template="subscription_history.html", shows={"view": view, "page": found})
