"""Invoice numbers: gap-free per seller (Rule 11.4).

They are given in batches after the commit, so no renewal waits for the number of another one. With
its number an invoice gets what its document shows: the profiles in force, and the tax in force on
its date. A credit note has the tax of the day on which the periods were charged
(docs/decisions/0024).
"""

from datetime import date
from typing import Any, cast

from sqlalchemy import Connection, Text, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from core.ledger import profiles
from core.ledger.double_entry import InvoiceKind
from core.ledger.ledger import Ledger
from core.ledger.tables import CustomerProfileRow, Invoice, Seller, TaxRateRow

_UNNUMBERED = (
    select(Invoice.id, Invoice.account, Invoice.kind, Invoice.date, Invoice.operation)
    .where(Invoice.number.is_(None))
    .order_by(Invoice.seq)
)
_SELLERS = (
    select(Seller.id)
    .where(select(Invoice.id).where(Invoice.seller == Seller.id, Invoice.number.is_(None)).exists())
    .order_by(Seller.id)
)
_LAST = select(func.coalesce(func.max(Invoice.number), 0))
_NUMBER = text(
    """
    UPDATE invoices
       SET number = :last + new.place, seller_profile = :profile,
           customer_profile = new.customer, tax = new.tax
      FROM unnest(CAST(:ids AS bigint[]), CAST(:customers AS int[]), CAST(:taxes AS bigint[]))
           WITH ORDINALITY AS new(id, customer, tax, place)
     WHERE invoices.id = new.id
    """
)
#: The newest profile of each of some accounts.
_CUSTOMERS = (
    select(
        CustomerProfileRow.account,
        CustomerProfileRow.version,
        CustomerProfileRow.document["country"].astext.label("country"),
    )
    .ext(distinct_on(CustomerProfileRow.account))
    .where(CustomerProfileRow.account == any_(bindparam("accounts", type_=ARRAY(Text))))
    .order_by(CustomerProfileRow.account, CustomerProfileRow.version.desc())
)
_RATES = select(TaxRateRow.id, TaxRateRow.country, TaxRateRow.since).order_by(
    TaxRateRow.since, TaxRateRow.id
)
#: The last day on which the periods were charged that a credit note gives back.
_CHARGED = text(
    """
    SELECT greatest(
      (SELECT max(sold.date)
         FROM refunds
         JOIN period_charges USING (period)
         JOIN invoices AS sold ON sold.operation = period_charges.operation
        WHERE refunds.operation = :of),
      (SELECT max(sold.date)
         FROM refunds
         JOIN period_charges USING (period)
         JOIN monthly_amounts ON monthly_amounts.operation = period_charges.operation
         JOIN invoices AS sold ON sold.id = monthly_amounts.invoice
        WHERE refunds.operation = :of))
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
        new = list(connection.execute(_UNNUMBERED.where(mine).limit(batch)))
        if new:
            last = connection.execute(_LAST.where(mine)).scalar_one()
            shown = _shown(connection, seller, new)
            values = {"last": last, "ids": [row.id for row in new], **shown}
            connection.execute(_NUMBER, values)
        return len(new)


def _shown(connection: Connection, seller: str, new: list[Any]) -> dict[str, Any]:
    """What the documents of new invoices show: the versions of the profiles, and the taxes."""
    profile = profiles.seller_versions(connection, seller, 1)
    found = connection.execute(_CUSTOMERS, {"accounts": list({row.account for row in new})})
    customers = {row.account: row for row in found}
    rates = list(connection.execute(_RATES.where(TaxRateRow.seller == seller)))
    home = profile[0].profile.country if profile else ""

    def tax(row: Any) -> int | None:
        customer = customers.get(row.account)
        country = (customer and customer.country) or home
        day = _day(connection, row)
        begun = [each.id for each in rates if each.country == country and each.since <= day]
        return begun[-1] if begun else None

    return {
        "profile": profile[0].version if profile else None,
        "customers": [
            customers[row.account].version if row.account in customers else None for row in new
        ],
        "taxes": [tax(row) if rates else None for row in new],
    }


def _day(connection: Connection, row: Any) -> date:
    """The day whose tax counts: the date, or that of the charge which a credit note gives back."""
    if row.kind != InvoiceKind.CREDIT_NOTE:
        return cast(date, row.date)
    charged = connection.execute(_CHARGED, {"of": row.operation}).scalar_one()
    return cast(date, charged or row.date)
