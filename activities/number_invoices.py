"""Invoice numbers: gap-free per seller (Rule 11.4).

They are given in batches after the commit, so no renewal waits for the number of another one. With
its number an invoice gets what its document shows (docs/decisions/0024).
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
#: Gives the numbers, and fixes what the documents show: the profiles in force, and the tax in force
#: on the invoice's date. A credit note has the tax of the day on which the periods were charged.
_NUMBER = text(
    """
    UPDATE invoices
       SET number = :last + new.place,
           seller_profile = (SELECT max(version) FROM seller_profiles WHERE seller = :of),
           customer_profile = shown.customer,
           tax = (SELECT id FROM tax_rates
                   WHERE seller = :of AND country = shown.country
                     AND since <= coalesce(charged.on_day, invoices.date)
                   ORDER BY since DESC, id DESC LIMIT 1)
      FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS new(id, place)
      JOIN invoices AS same ON same.id = new.id
      CROSS JOIN LATERAL (
        SELECT greatest(
          (SELECT max(sold.date)
             FROM refunds
             JOIN period_charges USING (period)
             JOIN invoices AS sold ON sold.operation = period_charges.operation
            WHERE refunds.operation = same.operation),
          (SELECT max(sold.date)
             FROM refunds
             JOIN period_charges USING (period)
             JOIN monthly_amounts ON monthly_amounts.operation = period_charges.operation
             JOIN invoices AS sold ON sold.id = monthly_amounts.invoice
            WHERE refunds.operation = same.operation)) AS on_day) AS charged
      LEFT JOIN LATERAL (
        SELECT version AS customer, document ->> 'country' AS of_customer FROM customer_profiles
         WHERE account = same.account ORDER BY version DESC LIMIT 1) AS customer ON true
      CROSS JOIN LATERAL (
        SELECT customer.customer, coalesce(customer.of_customer, (
          SELECT document ->> 'country' FROM seller_profiles
           WHERE seller = :of ORDER BY version DESC LIMIT 1)) AS country) AS shown
     WHERE invoices.id = new.id
    """
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
            values = {"last": last, "ids": ids, "of": seller}
            connection.execute(_NUMBER, values)
        return len(ids)
