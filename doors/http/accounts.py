"""Accounts, and what their money did: transactions, statements, forecasts."""

from dataclasses import dataclass, replace

from core.domain.faults import Fault, Faults
from core.domain.forecast import Entry
from core.domain.transactions import TransactionKind
from core.ledger.ledger import Ledger
from doors.http.callers import Calling
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    After,
    AfterPosition,
    FirstDay,
    LastDay,
    Limit,
    Months,
    OfAccount,
    PathId,
    SomeFirstDay,
    SomeLastDay,
    SubscriptionQuery,
    TestClocks,
)
from doors.http.routes import Routes
from doors.queries.account_list import AccountLine, account_rows
from doors.queries.accounts import AccountView, find_account
from doors.queries.forecasts import forecast_account
from doors.queries.statements import Statement, statement
from doors.queries.transactions import TransactionLine, Wanted, transactions

MOST_ENTRIES = 1000
"""So many entries of a forecast are told. The others are counted."""
STORED = "stored"
"""What is told instead of the token of a card."""

routes = Routes("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What an account will do by itself. `left_out`: how many later entries are not told."""

    account: str
    currency: str
    entries: list[Entry]
    left_out: int


@routes.get("/accounts", "list_accounts", Listed[AccountLine])
async def list_accounts(
    caller: Calling, test_clocks: TestClocks = False, after: After = None, limit: Limit = USUAL_ROWS
) -> Listed[AccountLine]:
    """Accounts by id."""

    def read(ledger: Ledger) -> Listed[AccountLine]:
        rows = account_rows(ledger, test_clocks=test_clocks, after=after)
        return page_of(rows, limit, lambda row: row.account)

    return await caller.read(read)


@routes.get("/accounts/{account:path}", "show_account", AccountView)
async def show_account(caller: Calling, account: PathId) -> AccountView:
    """One account and its wallet (Rules 11.1, 11.6).

    `card` is "stored" when there is one. Its token is never told.
    """
    view = await caller.read(find_account, account)
    return replace(view, card=None if view.card is None else STORED)


@routes.get("/transactions", "list_transactions", Listed[TransactionLine])
async def list_transactions(
    caller: Calling,
    account: OfAccount,
    first_day: SomeFirstDay = None,
    last_day: SomeLastDay = None,
    kind: TransactionKind | None = None,
    subscription: SubscriptionQuery = None,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[TransactionLine]:
    """The transactions of an account, the newest first (Rule 11.7)."""
    if first_day is not None and last_day is not None:
        _in_order(first_day <= last_day)
    wanted = Wanted(
        account=account,
        first_day=first_day,
        last_day=last_day,
        kind=kind,
        subscription=subscription,
    )

    def read(ledger: Ledger) -> Listed[TransactionLine]:
        rows = transactions(ledger, wanted, after=after)
        return page_of(rows, limit, lambda row: row.position)

    return await caller.read(read)


@routes.get("/statements", "show_statement", Statement)
async def show_statement(
    caller: Calling, account: OfAccount, first_day: FirstDay, last_day: LastDay
) -> Statement:
    """Opening and closing balance between two local dates, both inclusive (Rule 11.7).

    The transactions of the same dates are the movements between them.
    """
    _in_order(first_day <= last_day)
    return await caller.read(statement, account, first_day, last_day)


@routes.get("/forecasts", "forecast", Forecast)
async def forecast(caller: Calling, account: OfAccount, months: Months = 3) -> Forecast:
    """What an account does by itself in the coming months, at today's prices."""
    view, entries = await caller.read(forecast_account, account, months)
    return Forecast(
        account=view.account,
        currency=view.currency,
        entries=entries[:MOST_ENTRIES],
        left_out=max(0, len(entries) - MOST_ENTRIES),
    )


def _in_order(ordered: bool) -> None:
    if not ordered:
        raise Faults([Fault("from", "is after `to`; the same day or an earlier one is allowed")])
