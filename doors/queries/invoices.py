"""The invoices and credit notes of an account, and money that came in (Rules 11.4, 11.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import select

from core.domain.documents import Days, How
from core.ledger.double_entry import Book
from core.ledger.invoice_facts import (
    HOW_IT_CAME,
    IS_RECEIVED,
    invoice_facts,
    invoice_id,
    written,
)
from core.ledger.ledger import Ledger
from core.ledger.tables import Invoice, Operation, Posting
from doors.queries.pages import stream
from doors.queries.snapshot import NotFound, open_snapshot

#: The rows of one query.
_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice or credit note. `number` is None until it is numbered (Rule 11.4).

    `position`: its place among the invoices, in the order of issue.
    `due`: what was still to be paid when it was issued.
    """

    position: int
    number: str | None
    kind: str
    date: date
    account: str
    currency: str
    total: Decimal
    due: Decimal
    lines: list[tuple[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDetails:
    """What the document of an invoice or a credit note says, as data.

    `lines`: text, amount as charged, and the tax that it holds. `tax`: name and percent.
    `paid`, `how`: what was paid when it was issued, and by what. `credits`: see `InvoiceFacts`.
    """

    number: str
    credit_note: bool
    date: date
    account: str
    customer: str
    language: str
    currency: str
    period: Days | None
    lines: list[tuple[str, Decimal, Decimal]]
    tax: tuple[str, Decimal] | None
    total: Decimal
    taxes: Decimal
    paid: Decimal
    how: How
    due: Decimal
    credits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """Money that came in. `receipt` is the number by which its document is asked for."""

    receipt: int
    at: datetime
    account: str
    currency: str
    amount: Decimal
    how: How


def invoices_of(ledger: Ledger, account: str, limit: int = 1000) -> list[InvoiceView]:
    """The newest invoices and credit notes of an account, in order of issue. Raises NotFound."""
    return list(islice(invoices(ledger, account), limit))[::-1]


def invoices(
    ledger: Ledger, account: str, *, newest_first: bool = True, after: int | None = None
) -> Iterator[InvoiceView]:
    """The invoices and credit notes of an account, read page by page. Raises NotFound.

    `newest_first`: against the order of issue, default True.
    `after`: the position after which they start, default all.
    """
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(account)
    order = Invoice.seq.desc() if newest_first else Invoice.seq
    query = select(Invoice.__table__).where(Invoice.account == account).order_by(order)

    def page(start: int | None) -> tuple[list[InvoiceView], int | None]:
        wanted = query.limit(_PAGE)
        if start is not None:
            wanted = wanted.where(Invoice.seq < start if newest_first else Invoice.seq > start)
        with ledger.read() as connection:
            found = [_view(row) for row in connection.execute(wanted)]
        return found, found[-1].position if len(found) == _PAGE else None

    return stream(page, after)


def _view(row: Any) -> InvoiceView:
    return InvoiceView(
        position=row.seq,
        number=None if row.number is None else written(row.number),
        kind=row.kind,
        date=row.date,
        account=row.account,
        currency=row.currency,
        total=row.total,
        due=row.due,
        lines=[(line["text"], Decimal(line["amount"])) for line in row.lines],
    )


def find_invoice(ledger: Ledger, number: int) -> InvoiceDetails:
    """What the document of an invoice says. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        id_ = invoice_id(snapshot.connection, ledger.seller, number)
        if id_ is None:
            raise NotFound(f"there is no invoice {written(number)}")
        facts = invoice_facts(snapshot.connection, id_)
    customer = facts.parties.customer
    return InvoiceDetails(
        number=facts.number,
        credit_note=facts.credit_note,
        date=facts.date,
        account=facts.parties.account,
        customer=customer.name or facts.parties.account,
        language=customer.language,
        currency=facts.currency,
        period=facts.period,
        lines=[(line.text, line.amount, facts.tax_of(line)) for line in facts.lines],
        tax=None if facts.tax is None else (facts.tax.name, facts.tax.percent),
        total=facts.total,
        taxes=facts.taxes,
        paid=facts.paid,
        how=facts.how,
        due=facts.due,
        credits=facts.credits,
    )


def receipts_of(
    ledger: Ledger, account: str, *, newest_first: bool = True, after: int | None = None
) -> Iterator[ReceiptView]:
    """The top-ups, card charges and payments of an account, read page by page. Raises NotFound.

    `newest_first`: the default. `after`: the number of the receipt after which they start.
    """
    with open_snapshot(ledger) as snapshot:
        currency = snapshot.account_row(account).currency
    order = Operation.id.desc() if newest_first else Operation.id
    query = (
        select(Operation.id, Operation.at, Operation.purpose, Posting.amount)
        .join(Posting, (Posting.operation == Operation.id) & (Posting.book == Book.WALLET))
        .where(Operation.account == account, IS_RECEIVED)
        .order_by(order)
    )

    def page(start: int | None) -> tuple[list[ReceiptView], int | None]:
        wanted = query.limit(_PAGE)
        if start is not None:
            wanted = wanted.where(Operation.id < start if newest_first else Operation.id > start)
        with ledger.read() as connection:
            found = [
                ReceiptView(
                    receipt=row.id,
                    at=row.at,
                    account=account,
                    currency=currency,
                    amount=row.amount,
                    how=HOW_IT_CAME[row.purpose],
                )
                for row in connection.execute(wanted)
            ]
        return found, found[-1].receipt if len(found) == _PAGE else None

    return stream(page, after)
