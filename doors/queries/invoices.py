"""The invoices and credit notes of an account, and money that came in (Rules 11.4, 11.6)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

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
from doors.queries.snapshot import NotFound, open_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice or credit note. `number` is None until it is numbered (Rule 11.4).

    `due`: what was still to be paid when it was issued.
    """

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


def invoices_of(
    ledger: Ledger, account: str, limit: int = 1000, before: int | None = None
) -> list[InvoiceView]:
    """The newest invoices and credit notes of an account, in order of issue.

    `before`: only those that were issued before the one with this number. Raises NotFound.
    """
    query = (
        select(Invoice.__table__)
        .where(Invoice.account == account)
        .order_by(Invoice.seq.desc())
        .limit(limit)
    )
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(account)
        if before is not None:
            numbered = select(Invoice.seq).where(
                Invoice.seller == ledger.seller, Invoice.number == before
            )
            seq = snapshot.connection.execute(numbered).scalar_one_or_none()
            if seq is None:
                raise NotFound(f"there is no invoice {written(before)}")
            query = query.where(Invoice.seq < seq)
        return [
            InvoiceView(
                number=None if row.number is None else written(row.number),
                kind=row.kind,
                date=row.date,
                account=row.account,
                currency=row.currency,
                total=row.total,
                due=row.due,
                lines=[(line["text"], Decimal(line["amount"])) for line in row.lines],
            )
            for row in reversed(list(snapshot.connection.execute(query)))
        ]


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


def receipts_of(ledger: Ledger, account: str, limit: int = 100) -> list[ReceiptView]:
    """The newest top-ups, card charges and payments of an account. Raises NotFound."""
    query = (
        select(Operation.id, Operation.at, Operation.purpose, Posting.amount)
        .join(Posting, (Posting.operation == Operation.id) & (Posting.book == Book.WALLET))
        .where(Operation.account == account, IS_RECEIVED)
        .order_by(Operation.id.desc())
        .limit(limit)
    )
    with open_snapshot(ledger) as snapshot:
        row = snapshot.account_row(account)
        found = reversed(list(snapshot.connection.execute(query)))
        return [
            ReceiptView(
                receipt=each.id,
                at=each.at,
                account=account,
                currency=row.currency,
                amount=each.amount,
                how=HOW_IT_CAME[each.purpose],
            )
            for each in found
        ]
