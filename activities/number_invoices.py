"""Invoice numbers: gap-free per seller (Rule 11.4).

They are given in batches after the commit, so no renewal waits for the number of another one. With
its number an invoice gets what its document shows: the profiles in force, and the tax in force on
its date. A credit note has the tax of the day on which the periods were charged
(docs/decisions/0024).
"""

from sqlalchemy import select, text

from core.ledger.double_entry import InvoiceKind
from core.ledger.ledger import Ledger
from core.ledger.tables import Invoice, Seller

_SELLERS = (
    select(Seller.id)
    .where(select(Invoice.id).where(Invoice.seller == Seller.id, Invoice.number.is_(None)).exists())
    .order_by(Seller.id)
)
#: The day whose tax counts is the date. For a credit note it is the last day on which the periods
#: were charged that it gives back. A customer without a country has the seller's.
_NUMBER = text(
    """
    WITH new AS (
      SELECT id, account, kind, date, operation, row_number() OVER (ORDER BY seq) AS place
        FROM (SELECT * FROM invoices WHERE seller = :seller AND number IS NULL
               ORDER BY seq LIMIT :batch) AS first
    ), last AS (
      SELECT coalesce(max(number), 0) AS number FROM invoices WHERE seller = :seller
    ), mine AS (
      SELECT max(version) AS version, (array_agg(document ->> 'country' ORDER BY version DESC))[1]
             AS country
        FROM seller_profiles WHERE seller = :seller
    ), shown AS (
      SELECT new.id, last.number + new.place AS number, mine.version AS seller_profile,
             theirs.version AS customer_profile, (
        SELECT t.id FROM tax_rates t
         WHERE t.seller = :seller AND t.since <= days.day
           AND t.country = coalesce(nullif(theirs.country, ''), mine.country)
         ORDER BY t.since DESC, t.id DESC LIMIT 1) AS tax
        FROM new CROSS JOIN last CROSS JOIN mine
        LEFT JOIN LATERAL (
          SELECT version, document ->> 'country' AS country FROM customer_profiles
           WHERE account = new.account ORDER BY version DESC LIMIT 1) AS theirs ON true
        LEFT JOIN LATERAL (
          SELECT CASE WHEN new.kind <> :credit_note THEN new.date ELSE coalesce(greatest(
            (SELECT max(sold.date) FROM refunds
               JOIN period_charges USING (period)
               JOIN invoices AS sold ON sold.operation = period_charges.operation
              WHERE refunds.operation = new.operation),
            (SELECT max(sold.date) FROM refunds
               JOIN period_charges USING (period)
               JOIN monthly_amounts ON monthly_amounts.operation = period_charges.operation
               JOIN invoices AS sold ON sold.id = monthly_amounts.invoice
              WHERE refunds.operation = new.operation)), new.date) END AS day) AS days ON true
    )
    UPDATE invoices
       SET number = shown.number, seller_profile = shown.seller_profile,
           customer_profile = shown.customer_profile, tax = shown.tax
      FROM shown WHERE invoices.id = shown.id
    """
).bindparams(credit_note=str(InvoiceKind.CREDIT_NOTE))


def number_invoices(ledger: Ledger, batch: int = 100) -> int:
    """Number a batch of invoices of each seller, in order of issue, and return how many."""
    return sum(number_invoices_of(ledger, seller, batch) for seller in sellers(ledger))


def sellers(ledger: Ledger) -> list[str]:
    """The ids of the sellers that have invoices without a number."""
    with ledger.read() as connection:
        return list(connection.execute(_SELLERS).scalars())


def number_invoices_of(ledger: Ledger, seller: str, batch: int = 100) -> int:
    """Number a batch of invoices of one seller, in order of issue, and return how many.

    The seller's row is the lock. Nothing else waits for it.
    """
    with ledger.transaction("number_invoices") as connection:
        lock = select(Seller.id).where(Seller.id == seller).with_for_update(key_share=True)
        connection.execute(lock)
        return connection.execute(_NUMBER, {"seller": seller, "batch": batch}).rowcount
