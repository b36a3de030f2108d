"""The invoices and credit notes of an account (Rule 11.4)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select

from core.ledger.ledger import Ledger
from core.ledger.tables import Invoice
from doors.queries.snapshot import open_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice or credit note. `number` is None until it is numbered (Rule 11.4)."""

    number: str | None
    kind: str
    date: date
    account: str
    currency: str
    total: Decimal
    lines: list[tuple[str, Decimal]]


def invoices_of(ledger: Ledger, account: str, limit: int = 1000) -> list[InvoiceView]:
    """The newest invoices and credit notes of an account, in order of issue. Raises NotFound."""
    query = (
        select(Invoice.__table__)
        .where(Invoice.account == account)
        .order_by(Invoice.seq.desc())
        .limit(limit)
    )
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(account)
        return [
            InvoiceView(
                number=None if row.number is None else f"{row.number:06}",
                kind=row.kind,
                date=row.date,
                account=row.account,
                currency=row.currency,
                total=row.total,
                lines=[(line["text"], Decimal(line["amount"])) for line in row.lines],
            )
            for row in reversed(list(snapshot.connection.execute(query)))
        ]
