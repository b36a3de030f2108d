"""Automatic top-up by the stored card (Rule 11.2).

The account is looked at once, after each command or step that lowered its balance. At a fifth of
the last top-up or below, the card is charged that top-up's amount.

Worked example: the last top-up was 50.00, so a fifth is 10.00. Usage of 39.00 leaves 11.00, and
nothing happens. Usage of 1.00 leaves 10.00, and the card is charged 50.00. With a daily cap of
50.00 a second one on the same day is skipped.
"""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import ZERO, Account, Mode

_A_FIFTH = Decimal("0.2")


def look(account: Account, policy: Policy, today: date, at: datetime) -> Account:
    """The account after its balance was lowered, with a top-up to come at once if one is due.

    `at`: the instant (UTC) of its step. It comes before all that is due.

    It is the same account when none is due. There is at most one at a time.
    """
    last = account.last_top_up
    if last is None or account.top_up_at is not None or not _may(account):
        return account
    if account.balance > last * _A_FIFTH or _passes_cap(account, policy, last, today):
        return account
    return replace(account, top_up_at=at, version=account.version + 1)


def is_possible(account: Account) -> bool:
    """Whether the top-up that is to come can still be made."""
    return account.last_top_up is not None and _may(account)


def made(account: Account, amount: Decimal, today: date) -> Account:
    """The account after an automatic top-up, which counts as the last top-up, too."""
    before = account.auto_topped_up if account.auto_topped_up_on == today else ZERO
    return replace(
        not_made(account),
        last_top_up=amount,
        auto_topped_up=before + amount,
        auto_topped_up_on=today,
    )


def not_made(account: Account) -> Account:
    """The account after a top-up that was declined or skipped."""
    return replace(account, top_up_at=None, version=account.version + 1)


def top_up_step(account: Account, _: Policy) -> Step | None:
    """The step that tops the account up. Returns None when none is to come."""
    if account.top_up_at is None:
        return None
    why = f"the balance is at a fifth of the last top-up of {account.last_top_up:f} or below"
    return Step(StepKind.AUTO_TOP_UP, account.top_up_at, Rule.AUTO_TOP_UP, why)


def _may(account: Account) -> bool:
    return (
        account.auto_top_up
        and account.card is not None
        and not account.suspended
        and account.closed_on is None
        and account.mode is Mode.PREPAID
    )


def _passes_cap(account: Account, policy: Policy, amount: Decimal, today: date) -> bool:
    cap = policy.auto_top_up_daily_cap.get(account.currency)
    before = account.auto_topped_up if account.auto_topped_up_on == today else ZERO
    return cap is not None and before + amount > cap
