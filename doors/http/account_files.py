"""Statements and transactions of an account as files: PDF, HTML and CSV (Rule 11.7)."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

from fastapi import Response

from core.domain.documents import Format, StatementFacts
from core.ledger.ledger import Ledger
from doors.http.callers import Calling
from doors.http.csv_files import csv_file
from doors.http.file_headers import CSV, MEDIA_TYPES, kept_as
from doors.http.parameters import (
    FirstDay,
    LastDay,
    OfAccount,
    OfTransactions,
    in_order,
)
from doors.http.routes import Routes
from doors.queries import transaction_csv
from doors.queries.statements import movements, statement, statement_facts
from doors.queries.transaction_csv import Line
from doors.queries.transactions import transactions

routes = Routes("files of accounts")


class StatementFormat(StrEnum):
    """The formats of statements."""

    PDF = "pdf"
    HTML = "html"
    CSV = "csv"


@routes.file(
    "/statements/{format}",
    "show_statement_file",
    [MEDIA_TYPES[Format.PDF], MEDIA_TYPES[Format.HTML], CSV],
)
async def statement_file(
    caller: Calling,
    format: StatementFormat,  # noqa: A002
    account: OfAccount,
    first_day: FirstDay,
    last_day: LastDay,
) -> Response:
    """A statement as a file, with every movement. CSV has any number of them, a document 5,000."""
    in_order(first_day, last_day)
    found = await caller.read(statement, account, first_day, last_day)
    if format is StatementFormat.CSV:

        async def lines() -> AsyncIterator[Line]:
            before, after = transaction_csv.ends(found)
            yield before
            async for row in caller.perennial.rows(movements, found):
                yield row
            yield after

        return _csv("statement", lines())
    made = Format(format)
    facts = await caller.read(statement_facts, found)
    own = caller.perennial.config.document_templates
    content = await asyncio.to_thread(_rendered, facts, made, own)
    return Response(content, media_type=MEDIA_TYPES[made], headers=kept_as(f"statement.{made}"))


@routes.file("/transactions/csv", "export_transactions", [CSV])
async def transactions_file(caller: Calling, wanted: OfTransactions) -> Response:
    """The transactions of an account as CSV, the oldest first, any number of them."""

    def check(ledger: Ledger) -> None:
        next(transactions(ledger, wanted, newest_first=False, page=1), None)

    await caller.read(check)  # What does not exist is told before the file begins.
    rows = caller.perennial.rows(transactions, wanted, newest_first=False)
    return _csv("transactions", rows)


def _rendered(facts: StatementFacts, made: Format, own: Path | None) -> bytes:
    from core.documents.render import render  # Typst is slow to import.

    return render(facts, made, own)


def _csv(name: str, rows: AsyncIterator[Line]) -> Response:
    columns = transaction_csv.COLUMNS

    def cells(line: Line) -> list[object]:
        values = transaction_csv.cells(line)
        return [values[column] for column in columns]

    return csv_file(name, columns, rows, cells)
