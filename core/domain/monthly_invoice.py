"""The monthly invoice of an account: what waits for it, and when it is made (Rules 10.1, 11.4).

Worked example: an activation fee is charged on 2023-06-20. It waits for the invoice of June, which
is made at the first instant of 2023-07-01 and dated 2023-06-30.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from core.domain.calendar import add_months, first_instant, local_date
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Account

_DAY = timedelta(days=1)


def month_of(now: datetime, zone: str) -> date:
    """The first day of the month on whose invoice an amount of this instant (UTC) stands.

    Where a clock goes back over the end of a month, the new month has begun and stays (Rule 1.4).
    """
    return local_date(now, zone).replace(day=1)


def last_day(month: date) -> date:
    """The date of the invoice of a month that begins on this day."""
    return add_months(month, 1) - _DAY


def wait_for_invoice(account: Account, month: date) -> Account:
    """The account, which has an amount of this month that waits for the monthly invoice."""
    if month in account.uninvoiced:
        return account
    months = tuple(sorted((*account.uninvoiced, month)))
    return replace(account, uninvoiced=months, version=account.version + 1)


def make_invoice(account: Account) -> Account:
    """The account after the invoice of its oldest month that waits."""
    return replace(account, uninvoiced=account.uninvoiced[1:], version=account.version + 1)


def monthly_step(account: Account, _: Policy) -> Step | None:
    """The step that makes the next monthly invoice. Returns None when no amount waits for one."""
    if not account.uninvoiced:
        return None
    month = account.uninvoiced[0]
    return Step(
        StepKind.MONTHLY_INVOICE,
        first_instant(add_months(month, 1), account.timezone),
        Rule.INVOICES,
        f"amounts of {month:%Y-%m} wait for the monthly invoice",
    )
