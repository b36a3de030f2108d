"""The newest document of a kind of an account, as facts, to look at a template with."""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from sqlalchemy import select

from core.domain.calendar import local_date
from core.domain.documents import AnyFacts
from core.domain.languages import Language
from core.ledger.double_entry import InvoiceKind
from core.ledger.invoice_facts import invoice_facts, receipt_facts
from core.ledger.ledger import Ledger
from core.ledger.tables import Invoice
from doors.queries.accounts import find_account
from doors.queries.invoices import receipts_of
from doors.queries.statements import statement, statement_facts

_DAYS = 31
"""So many days up to today a statement has."""
_LOOKED_AT = 2000
"""So many of the newest invoices and credit notes are looked at."""


class Kind(StrEnum):
    """The kinds of documents, each with a template of its name."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    RECEIPT = "receipt"
    STATEMENT = "statement"


def newest_document(
    ledger: Ledger, account: str, document: Kind, language: Language | None = None
) -> AnyFacts | None:
    """The facts of the newest document of a kind, or None if the account has none.

    `document`: its kind. A statement is that of the last 31 days. `language`: default, the
    customer's.

    Raises NotFound for an unknown account, and `NotOffered` for a statement that is too long.
    """
    view = find_account(ledger, account)
    facts: AnyFacts | None
    match document:
        case Kind.STATEMENT:
            today = local_date(view.now, view.timezone)
            made = statement(ledger, account, today - timedelta(days=_DAYS - 1), today)
            facts = statement_facts(ledger, made)
        case Kind.RECEIPT:
            facts = _receipt(ledger, account)
        case Kind.INVOICE | Kind.CREDIT_NOTE:
            facts = _invoice(ledger, account, credit_note=document is Kind.CREDIT_NOTE)
        case unreachable:
            assert_never(unreachable)
    if facts is None or language is None:
        return facts
    customer = replace(facts.parties.customer, language=language)
    return replace(facts, parties=replace(facts.parties, customer=customer))


def _receipt(ledger: Ledger, account: str) -> AnyFacts | None:
    newest = next(receipts_of(ledger, account), None)
    if newest is None:
        return None
    with ledger.read() as connection:
        return receipt_facts(connection, ledger.seller, newest.receipt)


def _invoice(ledger: Ledger, account: str, *, credit_note: bool) -> AnyFacts | None:
    some = (
        select(Invoice.id, Invoice.seq, Invoice.kind, Invoice.number)
        .where(Invoice.account == account)
        .order_by(Invoice.seq.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    gives_back = some.c.kind == InvoiceKind.CREDIT_NOTE
    query = (
        select(some.c.id)
        .where(gives_back if credit_note else ~gives_back, some.c.number.is_not(None))
        .order_by(some.c.seq.desc())
        .limit(1)
    )
    with ledger.read() as connection:
        id_ = connection.execute(query).scalar()
        return None if id_ is None else invoice_facts(connection, id_)
