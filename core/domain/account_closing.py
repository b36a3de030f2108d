"""Closing an account (Rule 11.8).

A closed account can be opened again for some days. Then a step closes it for good.

Worked days: closed on 03-01 with `account_closing_days` 30. The last day to open it again is 03-31.
It is closed for good at the first instant of 04-01.
"""

from dataclasses import replace
from datetime import date, timedelta

from core.domain.calendar import first_instant
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Account

_DAY = timedelta(days=1)


def close(account: Account, today: date) -> Account:
    """The account, closed on this local date."""
    return replace(account, closed_on=today, version=account.version + 1)


def reopen(account: Account) -> Account:
    """The account, open again."""
    return replace(account, closed_on=None, version=account.version + 1)


def close_for_good(account: Account) -> Account:
    """The account, which can no longer be opened again."""
    return replace(account, closed_for_good=True, version=account.version + 1)


def closing_step(account: Account, policy: Policy) -> Step | None:
    """The step that closes it for good. Returns None while it is open, and after that step."""
    if account.closed_on is None or account.closed_for_good:
        return None
    last = account.closed_on + timedelta(days=policy.account_closing_days)
    return Step(
        StepKind.CLOSE_FOR_GOOD,
        first_instant(last + _DAY, account.timezone),
        Rule.SUSPEND_AND_CLOSE,
        f"closed on {account.closed_on} and not opened again by {last}",
    )
