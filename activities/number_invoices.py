"""Invoice numbers: gap-free per seller (Rule 11.4).

They are given in batches after the commit, so no renewal waits for the number of another one.
"""

from sqlalchemy import func, select

from core.ledger.bulk_write import insert_all
from core.ledger.ledger import Ledger
from core.ledger.tables import Invoice, InvoiceNumber, Seller


def number_invoices(ledger: Ledger, batch: int = 5000) -> int:
    """Number the invoices that have none, in order of issue, and return how many."""
    return sum(number_invoices_of(ledger, seller, batch) for seller in sellers(ledger))


def sellers(ledger: Ledger) -> list[str]:
    """The ids of all sellers."""
    with ledger.engine.connect() as connection:
        return list(connection.execute(select(Seller.id).order_by(Seller.id)).scalars())


def number_invoices_of(ledger: Ledger, seller: str, batch: int = 5000) -> int:
    """Number the invoices of one seller, as `number_invoices`.

    The seller's row is the lock. Nothing else locks it.
    """
    with ledger.transaction("number_invoices") as connection:
        connection.execute(
            select(Seller.id).where(Seller.id == seller).with_for_update(key_share=True)
        )
        query = (
            select(Invoice.id)
            .outerjoin(InvoiceNumber, InvoiceNumber.invoice == Invoice.id)
            .where(Invoice.seller == seller, InvoiceNumber.invoice.is_(None))
            .order_by(Invoice.seq)
            .limit(batch)
        )
        new = list(connection.execute(query).scalars())
        if new:
            last = connection.execute(
                select(func.coalesce(func.max(InvoiceNumber.number), 0)).where(
                    InvoiceNumber.seller == seller
                )
            ).scalar_one()
            rows = [
                {"seller": seller, "number": last + n, "invoice": id_}
                for n, id_ in enumerate(new, start=1)
            ]
            insert_all(connection, InvoiceNumber, rows)
        return len(new)
