"""Closing an account: the days in which it can be opened again (Rule 11.8)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from core.domain import policy
from core.domain.account_closing import close, close_for_good, closing_step, reopen
from core.domain.planner.account_steps import ACCOUNT_STEPS, next_account_step
from core.domain.steps import StepKind, SubjectKind
from core.domain.subscription import Account

OPEN = Account(id="acme", seller="main", currency="USD", timezone="Asia/Singapore")


@pytest.mark.parametrize(
    ("days", "due"),
    [
        (30, datetime(2021, 3, 31, 16, tzinfo=UTC)),  # 04-01 in Singapore
        (0, datetime(2021, 3, 1, 16, tzinfo=UTC)),  # 03-02 in Singapore
    ],
)
def test_it_is_closed_for_good_after_the_last_day_to_open_it_again(
    days: int, due: datetime
) -> None:
    closed = close(OPEN, date(2021, 3, 1))
    step = closing_step(closed, policy.load({"account_closing_days": days}))
    assert step is not None
    assert (step.kind, step.due) == (StepKind.CLOSE_FOR_GOOD, due)


def test_an_open_account_has_no_step() -> None:
    closed = close(OPEN, date(2021, 3, 1))
    for account in (OPEN, reopen(closed), close_for_good(closed)):
        assert next_account_step(account, policy.DEFAULT) is None


def test_each_change_is_a_new_version() -> None:
    closed = close(OPEN, date(2021, 3, 1))
    assert (closed.version, reopen(closed).version, close_for_good(closed).version) == (2, 3, 3)
    assert reopen(closed) == replace(OPEN, version=3)


def test_every_kind_of_step_of_an_account_is_planned() -> None:
    assert set(ACCOUNT_STEPS) == {kind for kind in StepKind if kind.subject is SubjectKind.ACCOUNT}
