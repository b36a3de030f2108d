"""Erasing the personal data of an account: what the law keeps, and for how long.

Invoices are kept to the end of the year, so many years after the year of their date.

Worked days: with 10 years, an invoice of 2021-03-08 is kept until 2031-12-31. On 2032-01-01 only
invoices since 2022-01-01 are kept.
"""

from dataclasses import replace
from datetime import date

from core.domain.subscription import Account


def erased(account: Account, today: date) -> Account:
    """The closed account, erased on this local date and closed for good. It has no card."""
    return replace(
        account,
        erased_on=today,
        closed_for_good=True,
        card=None,
        version=account.version + 1,
    )


def kept_since(today: date, years: int) -> date:
    """The first day whose invoices are kept today."""
    return date(max(today.year - years, 1), 1, 1)


def kept_until(invoiced_on: date, years: int) -> date:
    """The last day on which an invoice of this date is kept."""
    return date(invoiced_on.year + years, 12, 31)
