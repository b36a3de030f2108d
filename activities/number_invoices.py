"""Invoice numbers: gap-free per seller (Rule 11.4).

They are given in batches after the commit, so no renewal waits for the number of another one.
"""

from sqlalchemy import func, select, text

from core.ledger.ledger import Ledger
from core.ledger.tables import Invoice, Seller

_UNNUMBERED = select(Invoice.id).where(Invoice.number.is_(None)).order_by(Invoice.seq)
_SELLERS = (
    select(Seller.id)
    .where(select(Invoice.id).where(Invoice.seller == Seller.id, Invoice.number.is_(None)).exists())
    .order_by(Seller.id)
)
_LAST = select(func.coalesce(func.max(Invoice.number), 0))
_NUMBER = text(
    "UPDATE invoices SET number = :last + new.place "
    "FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS new(id, place) "
    "WHERE invoices.id = new.id"
)


def number_invoices(ledger: Ledger, batch: int = 250) -> int:
    """Number a batch of invoices of each seller, in order of issue, and return how many."""
    return sum(number_invoices_of(ledger, seller, batch) for seller in sellers(ledger))


def sellers(ledger: Ledger) -> list[str]:
    """The ids of the sellers that have invoices without a number."""
    with ledger.read() as connection:
        return list(connection.execute(_SELLERS).scalars())


def number_invoices_of(ledger: Ledger, seller: str, batch: int = 250) -> int:
    """Number a batch of invoices of one seller, in order of issue, and return how many.

    The seller's row is the lock. Nothing else waits for it.
    """
    with ledger.transaction("number_invoices") as connection:
        lock = select(Seller.id).where(Seller.id == seller).with_for_update(key_share=True)
        connection.execute(lock)
        mine = Invoice.seller == seller
        ids = list(connection.execute(_UNNUMBERED.where(mine).limit(batch)).scalars())
        if ids:
            last = connection.execute(_LAST.where(mine)).scalar_one()
            connection.execute(_NUMBER, {"last": last, "ids": ids})
        return len(ids)
