"""Accounts: the list, and the parts of one account, each a page of its own."""

from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator

from core.domain.calendar import local_date
from core.domain.faults import Fault, Faults
from core.domain.transactions import TransactionKind
from core.ledger.ledger import Ledger
from doors.console.offers import offers
from doors.console.pages import Page, Pages
from doors.console.parameters import BLANK, ROWS, After, AfterPosition, PathId, SomeDay
from doors.console.visitors import Visiting
from doors.http.pages import Listed, page_of
from doors.queries.account_list import AccountLine, account_rows
from doors.queries.account_subscriptions import Having, OwnSubscription, own_subscriptions
from doors.queries.accounts import AccountView, find_account
from doors.queries.balance_reasons import balance_of
from doors.queries.histories import HistoryLine, account_lines
from doors.queries.invoices import InvoiceView, ReceiptView, invoices, receipts_of
from doors.queries.numbers import NumberLine, number_rows
from doors.queries.possible_commands import possible_on_account
from doors.queries.profiles import customer_on_documents
from doors.queries.statements import movements, statement
from doors.queries.transactions import TransactionLine, Wanted, transactions

pages = Pages()


class Part(StrEnum):
    """The parts of an account, in the order of their tabs."""

    WALLET = "wallet"
    SUBSCRIPTIONS = "subscriptions"
    NUMBERS = "numbers"
    TRANSACTIONS = "transactions"
    STATEMENT = "statement"
    INVOICES = "invoices"
    MESSAGES = "messages"
    HISTORY = "history"
    WHAT_IF = "what_if"


OPERATIONS = {
    Part.WALLET: "show_account",
    Part.SUBSCRIPTIONS: "show_account",
    Part.NUMBERS: "list_numbers",
    Part.TRANSACTIONS: "list_transactions",
    Part.STATEMENT: "show_statement",
    Part.INVOICES: "list_invoices",
    Part.MESSAGES: "list_messages",
    Part.HISTORY: "list_history",
    Part.WHAT_IF: "forecast",
}
"""The operation of each part."""

_USUAL_DAYS = 31

TestClocks = Annotated[bool, Query(), BeforeValidator(lambda value: value in (True, "on"))]


def account_page(part: Part, view: AccountView, **shows: object) -> Page:
    """A part of an account, below its head and its tabs."""
    shared = {"view": view, "part": part, "parts": OPERATIONS}
    return Page(template=f"account_{part}.html", shows=shared | shows)


@pages.get("/accounts", "list_accounts")
async def listed(visitor: Visiting, test_clocks: TestClocks = False, after: After = None) -> Page:
    """The accounts of the seller by id."""

    def read(ledger: Ledger) -> Listed[AccountLine]:
        rows = account_rows(ledger, test_clocks=test_clocks, after=after)
        return page_of(rows, ROWS, lambda row: row.account)

    found = await visitor.read(read)
    return Page(template="accounts.html", shows={"page": found, "test_clocks": test_clocks})


@pages.get("/accounts/wallet/{account:path}", OPERATIONS[Part.WALLET])
async def wallet(visitor: Visiting, account: PathId) -> Page:
    """What an account has, and what may be done to it."""
    view = await visitor.read(find_account, account)
    profile, _ = await visitor.read(customer_on_documents, account)
    possible = await visitor.read(possible_on_account, account)
    return account_page(Part.WALLET, view, profile=profile, offers=offers(visitor, possible))


@pages.get("/accounts/balance/{account:path}", "explain")
async def balance(visitor: Visiting, account: PathId) -> Page:
    """What the balance is made of."""
    view = await visitor.read(find_account, account)
    reasons = await visitor.read(balance_of, account)
    part = account_page(Part.WALLET, view, reasons=reasons)
    return replace(part, template="account_balance.html")


@pages.get("/accounts/subscriptions/{account:path}", OPERATIONS[Part.SUBSCRIPTIONS])
async def subscriptions(
    visitor: Visiting, account: PathId, having: Having = Having.ALL, after: After = None
) -> Page:
    """Its subscriptions, by state."""

    def read(ledger: Ledger) -> Listed[OwnSubscription]:
        rows = own_subscriptions(ledger, account, having, after=after)
        return page_of(rows, ROWS, lambda row: row.subscription)

    view = await visitor.read(find_account, account)
    found = await visitor.read(read)
    return account_page(Part.SUBSCRIPTIONS, view, page=found, having=having, all_having=Having)


@pages.get("/accounts/numbers/{account:path}", OPERATIONS[Part.NUMBERS])
async def numbers(visitor: Visiting, account: PathId, after: After = None) -> Page:
    """Its numbers: in use, held and reserved."""

    def read(ledger: Ledger) -> Listed[NumberLine]:
        rows = number_rows(ledger, account=account, after=after)
        return page_of(rows, ROWS, lambda row: row.number)

    view = await visitor.read(find_account, account)
    return account_page(Part.NUMBERS, view, page=await visitor.read(read))


@pages.get("/accounts/transactions/{account:path}", OPERATIONS[Part.TRANSACTIONS])
async def account_transactions(
    visitor: Visiting,
    account: PathId,
    first: Annotated[SomeDay, Query(alias="from")] = None,
    last: Annotated[SomeDay, Query(alias="to")] = None,
    kind: Annotated[TransactionKind | None, BLANK] = None,
    after: AfterPosition = None,
) -> Page:
    """Its transactions, the newest first (Rule 11.7)."""
    _in_order(first, last)
    wanted = Wanted(account=account, first_day=first, last_day=last, kind=kind)

    def read(ledger: Ledger) -> Listed[TransactionLine]:
        return page_of(transactions(ledger, wanted, after=after), ROWS, lambda row: row.position)

    view = await visitor.read(find_account, account)
    found = await visitor.read(read)
    return account_page(
        Part.TRANSACTIONS,
        view,
        page=found,
        wanted=wanted,
        kinds=list(TransactionKind),
    )


@pages.get("/accounts/statement/{account:path}", OPERATIONS[Part.STATEMENT])
async def account_statement(
    visitor: Visiting,
    account: PathId,
    first: Annotated[SomeDay, Query(alias="from")] = None,
    last: Annotated[SomeDay, Query(alias="to")] = None,
    after: AfterPosition = None,
) -> Page:
    """Opening balance, movements and closing balance between two days (Rule 11.7)."""
    _in_order(first, last)
    view = await visitor.read(find_account, account)
    until = last or local_date(view.now, view.timezone)
    since = first or until - timedelta(days=_USUAL_DAYS - 1)
    made = await visitor.read(statement, account, since, until)

    def read(ledger: Ledger) -> Listed[TransactionLine]:
        return page_of(movements(ledger, made, after=after), ROWS, lambda row: row.position)

    return account_page(Part.STATEMENT, view, made=made, page=await visitor.read(read))


@pages.get("/accounts/invoices/{account:path}", OPERATIONS[Part.INVOICES])
async def account_invoices(visitor: Visiting, account: PathId, after: AfterPosition = None) -> Page:
    """Its invoices and credit notes, the newest first, and the newest receipts."""

    def read(ledger: Ledger) -> Listed[InvoiceView]:
        return page_of(invoices(ledger, account, after=after), ROWS, lambda row: row.position)

    def received(ledger: Ledger) -> Listed[ReceiptView]:
        return page_of(receipts_of(ledger, account), 10, lambda row: row.receipt)

    view = await visitor.read(find_account, account)
    found = await visitor.read(read)
    receipts = None if after is not None else await visitor.read(received)
    return account_page(Part.INVOICES, view, page=found, receipts=receipts)


@pages.get("/accounts/history/{account:path}", OPERATIONS[Part.HISTORY])
async def history(visitor: Visiting, account: PathId, after: AfterPosition = None) -> Page:
    """Who did what to it and its subscriptions, the newest first."""

    def read(ledger: Ledger) -> Listed[HistoryLine]:
        return page_of(account_lines(ledger, account, after=after), ROWS, lambda row: row.seq)

    view = await visitor.read(find_account, account)
    return account_page(Part.HISTORY, view, page=await visitor.read(read))


def _in_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and first > last:
        raise Faults([Fault("from", "is after `to`; the same day or an earlier one is allowed")])
