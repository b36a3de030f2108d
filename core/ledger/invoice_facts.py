"""The facts of documents, read from the ledger: of an invoice, of a receipt.

Every row that is read here is never changed once the invoice has its number. So the same invoice
always has the same facts.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select, text

from core.domain.calendar import local_date
from core.domain.documents import How, InvoiceFacts, Line, Party, ReceiptFacts
from core.ledger import profiles
from core.ledger.double_entry import Book, InvoiceKind, Purpose
from core.ledger.tables import (
    MONTHLY_LINES,
    RECEIVED,
    AccountRow,
    CustomerProfileRow,
    Invoice,
    MonthlyAmount,
    Operation,
    PeriodCharge,
    PeriodRow,
    Posting,
    RefundRow,
    SellerProfileRow,
    TaxRateRow,
)

#: Amounts of these purposes are money that moves, and no sale. There is no tax on them.
_NO_SALE = frozenset(
    {
        Purpose.TOP_UP,
        Purpose.CARD_CHARGE,
        Purpose.TRANSFER,
        Purpose.ADJUSTMENT,
        Purpose.CHANGE,
    }
)
#: The purposes of money that came in, and how it came.
HOW_IT_CAME = {
    Purpose.TOP_UP: How.BANK,
    Purpose.PAYMENT: How.BANK,
    Purpose.CARD_CHARGE: How.CARD,
}
#: The condition of the index of such operations.
IS_RECEIVED = text(RECEIVED)
_MOST_CREDITED = 20

_INVOICE = (
    select(
        Invoice.__table__,
        Operation.purpose,
        SellerProfileRow.document.label("seller_document"),
        SellerProfileRow.logo,
        CustomerProfileRow.document.label("customer_document"),
        TaxRateRow.country,
        TaxRateRow.since,
        TaxRateRow.percent,
        TaxRateRow.name,
        TaxRateRow.shown,
    )
    .join(Operation, Operation.id == Invoice.operation)
    .outerjoin(
        SellerProfileRow,
        (SellerProfileRow.seller == Invoice.seller)
        & (SellerProfileRow.version == Invoice.seller_profile),
    )
    .outerjoin(
        CustomerProfileRow,
        (CustomerProfileRow.account == Invoice.account)
        & (CustomerProfileRow.version == Invoice.customer_profile),
    )
    .outerjoin(TaxRateRow, TaxRateRow.id == Invoice.tax)
)


def written(number: int) -> str:
    """An invoice number as it is written: at least six digits."""
    return f"{number:06}"


def invoice_id(connection: Connection, seller: str, number: int) -> int | None:
    """The id of the invoice or credit note with a number. None for no such."""
    query = select(Invoice.id).where(Invoice.seller == seller, Invoice.number == number)
    return connection.execute(query).scalar_one_or_none()


def invoice_facts(connection: Connection, id_: int) -> InvoiceFacts:
    """The facts of an invoice or credit note that has its number. Raises LookupError."""
    row = connection.execute(_INVOICE.where(Invoice.id == id_)).one_or_none()
    if row is None or row.number is None:
        raise LookupError(f"invoice {id_} does not exist or has no number yet")
    purpose = Purpose(row.purpose)
    return InvoiceFacts(
        parties=Party(
            seller=profiles.seller_from(row.seller, row.seller_document, row.logo),
            customer=profiles.customer_from(row.customer_document),
            account=row.account,
        ),
        number=written(row.number),
        credit_note=row.kind == InvoiceKind.CREDIT_NOTE,
        monthly=row.kind in {InvoiceKind.MONTHLY, InvoiceKind.CONSOLIDATED},
        date=row.date,
        period=_period(connection, row.operation),
        currency=row.currency,
        lines=_lines(connection, row, purpose),
        tax=profiles.tax_from(row._mapping) if row.tax is not None else None,
        paid=row.total - row.due,
        how=How.OVERPAYMENT
        if row.kind == InvoiceKind.CONSOLIDATED
        else HOW_IT_CAME.get(purpose, How.CREDITS),
        credits=_credited(connection, row) if row.kind == InvoiceKind.CREDIT_NOTE else (),
    )


def _lines(connection: Connection, row: Any, purpose: Purpose) -> tuple[Line, ...]:
    """The lines as charged. Those of a monthly invoice have a purpose each."""
    if row.kind in {InvoiceKind.MONTHLY, InvoiceKind.CONSOLIDATED}:
        query = (
            select(MonthlyAmount.description, MonthlyAmount.amount, Operation.purpose)
            .join(Operation, Operation.id == MonthlyAmount.operation)
            .where(MonthlyAmount.invoice == row.id)
            .order_by(*MONTHLY_LINES)
        )
        return tuple(
            _line(words, amount, Purpose(each)) for words, amount, each in connection.execute(query)
        )
    return tuple(_line(line["text"], Decimal(line["amount"]), purpose) for line in row.lines)


def _line(words: str, amount: Decimal, purpose: Purpose) -> Line:
    return Line(
        text=words,
        amount=amount,
        taxed=purpose not in _NO_SALE,
        own_text=purpose is Purpose.USAGE,
    )


def _period(connection: Connection, operation: int) -> Any:
    """The first and the last day of the periods that an operation has paid. None for none."""
    query = select(func.min(PeriodRow.start), func.max(PeriodRow.expiry)).where(
        PeriodRow.operation == operation
    )
    first, last = connection.execute(query).one()
    return None if first is None else (first, last)


def _credited(connection: Connection, row: Any) -> tuple[str, ...]:
    """The numbers of the invoices whose periods a credit note gives back, at most 20."""
    charged = (
        select(PeriodCharge.operation)
        .join(RefundRow, RefundRow.period == PeriodCharge.period)
        .where(RefundRow.operation == row.operation)
    )
    on_monthly = select(MonthlyAmount.invoice).where(MonthlyAmount.operation.in_(charged))
    query = (
        select(Invoice.number)
        .where(
            Invoice.operation.in_(charged) | Invoice.id.in_(on_monthly),
            Invoice.account == row.account,
            Invoice.number < row.number,
        )
        .order_by(Invoice.number)
        .limit(_MOST_CREDITED)
    )
    return tuple(written(number) for number in connection.execute(query).scalars() if number)


def receipt_facts(connection: Connection, seller: str, operation: int) -> ReceiptFacts:
    """The facts of money that came in: a top-up, a card charge, a payment.

    The profiles are those in force when the receipt is first made. Raises LookupError.
    """
    query = (
        select(
            Operation.id,
            Operation.at,
            Operation.account,
            Operation.purpose,
            AccountRow.timezone,
            AccountRow.currency,
            Posting.amount,
            Invoice.number,
        )
        .join(AccountRow, AccountRow.id == Operation.account)
        .join(Posting, (Posting.operation == Operation.id) & (Posting.book == Book.WALLET))
        .outerjoin(Invoice, Invoice.operation == Operation.id)
        .where(
            Operation.id == operation,
            Operation.seller == seller,
            IS_RECEIVED,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise LookupError(f"operation {operation} is no top-up, card charge or payment")
    return ReceiptFacts(
        parties=Party(
            seller=profiles.seller_profile(connection, seller),
            customer=profiles.customer_profile(connection, row.account),
            account=row.account,
        ),
        reference=str(row.id),
        date=local_date(row.at, row.timezone),
        currency=row.currency,
        amount=row.amount,
        how=HOW_IT_CAME[Purpose(row.purpose)],
        invoice=None if row.number is None else written(row.number),
    )
