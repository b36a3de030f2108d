"""Accounts: opened and read, and what their money did: transactions, statements, forecasts."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request, Response
from sqlalchemy import Connection
from starlette.responses import StreamingResponse

from activities.open_account import NewAccount, open_in
from core.domain import inputs
from core.domain.commands import fields as kinds
from core.domain.forecast import Entry
from core.domain.inputs import LONGEST_ID, Sign
from core.domain.subscription import Mode
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import ensure_policy
from doors.http.callers import Calling
from doors.http.clocks import now_at
from doors.http.forms import Field, Form, field, flag, id_
from doors.http.once import kept, once, told
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    After,
    AfterPosition,
    FirstDay,
    IdempotencyKey,
    LastDay,
    Limit,
    Months,
    OfAccount,
    OfTransactions,
    Order,
    PathId,
    Sort,
    TestClocks,
    in_order,
)
from doors.http.routes import Answer, Routes, place_of
from doors.queries.account_list import AccountLine, account_rows
from doors.queries.accounts import AccountView, find_account
from doors.queries.forecasts import forecast_account
from doors.queries.personal_data import exported
from doors.queries.statements import Statement, statement
from doors.queries.transactions import TransactionLine, transactions

MOST_ENTRIES = 1000
"""So many entries of a forecast are told. The others are counted."""
STORED = "stored"
"""What is told instead of the token of a card."""

OPEN = Form(
    "NewAccount",
    {
        "account": id_("The id of the account.", required=True),
        "currency": Field(
            inputs.read_currency,
            {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code."},
            required=True,
        ),
        "timezone": Field(
            inputs.read_zone,
            {"type": "string", "maxLength": LONGEST_ID, "description": "IANA name."},
            required=True,
        ),
        "credits": field(
            kinds.Amount(sign=Sign.NOT_NEGATIVE, help="What it brings along (rule 11.2).")
        ),
        "credit_limit": field(
            kinds.Amount(
                sign=Sign.NOT_NEGATIVE, help="How far below zero the balance may go (rule 11.1)."
            )
        ),
        "mode": field(kinds.Choice(help="How it pays (rule 11.6).", choices=Mode)),
        "owner": id_("The person who owns the account."),
        "billing_email": field(kinds.Email(help="The address for bills.")),
        "card": field(kinds.CardToken(help="The gateway's token of a card.")),
        "renew_by_card": flag("Whether renewals may use the card (Rule 5.3)."),
        "auto_top_up": flag("Whether it is topped up by card (Rule 11.2)."),
        "clock": id_("The test clock that it is attached to, for good."),
    },
    example={
        "account": "globex",
        "currency": "USD",
        "timezone": "Asia/Singapore",
        "credits": "100.00",
        "owner": "Ada Lim",
        "billing_email": "ada@globex.example",
    },
)

routes = Routes("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What an account will do by itself. `left_out`: how many later entries are not told."""

    account: str
    currency: str
    entries: list[Entry]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAccount:
    """The id of an account that was opened."""

    account: str


@routes.get("/accounts", "list_accounts", Listed[AccountLine])
async def list_accounts(
    caller: Calling, test_clocks: TestClocks = False, after: After = None, limit: Limit = USUAL_ROWS
) -> Listed[AccountLine]:
    """Accounts by id."""

    def read(ledger: Ledger) -> Listed[AccountLine]:
        rows = account_rows(ledger, test_clocks=test_clocks, after=after, page=limit + 1)
        return page_of(rows, limit, lambda row: row.account)

    return await caller.read(read)


@routes.write("POST", "/accounts", "open_account", OpenedAccount, OPEN, 201)
async def open_account(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Open an account. Its id must be new."""
    values = await OPEN.of(request)
    name = values.pop("account")

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        new = NewAccount(id=name, seller=ledger.seller, **values)
        now = now_at(connection, ledger.seller, new.clock)
        ensure_policy(connection, ledger.seller)
        open_in(connection, ledger, new, now)
        return {"account": name}

    asked = {"account": name, **values}
    done = await once(caller, key, "open_account", asked, act, taken=f"account {name} exists")
    return told(done, kept(OpenedAccount, done), 201, Location=place_of("accounts", name))


@routes.get("/accounts/{account:path}", "show_account", AccountView)
async def show_account(caller: Calling, account: PathId) -> AccountView:
    """One account and its wallet (Rules 11.1, 11.6).

    `card` is "stored" when there is one. Its token is never told.
    """
    view = await caller.read(find_account, account)
    return replace(view, card=None if view.card is None else STORED)


@routes.file("/personal-data/{account:path}", "export_account", ["application/json"])
async def export_account(caller: Calling, account: PathId) -> Response:
    """Everything that is stored about an account and its people. The export is in the audit."""
    pieces = await caller.read(exported, account)
    return StreamingResponse(pieces, media_type="application/json")


@routes.get("/transactions", "list_transactions", Listed[TransactionLine])
async def list_transactions(
    caller: Calling,
    wanted: OfTransactions,
    sort: Sort = Order.NEWEST,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[TransactionLine]:
    """The transactions of an account, by time (Rule 11.7)."""

    def read(ledger: Ledger) -> Listed[TransactionLine]:
        newest = sort.newest_first
        rows = transactions(ledger, wanted, after=after, newest_first=newest, page=limit + 1)
        return page_of(rows, limit, lambda row: row.position)

    return await caller.read(read)


@routes.get("/statements", "show_statement", Statement)
async def show_statement(
    caller: Calling, account: OfAccount, first_day: FirstDay, last_day: LastDay
) -> Statement:
    """Opening and closing balance between two local dates, both inclusive (Rule 11.7).

    The transactions of the same dates are the movements between them.
    """
    in_order(first_day, last_day)
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
