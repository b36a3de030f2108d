"""Which acts of money need a second person, and what becomes of them (docs/staff.md)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.commands.adjust import AdjustResult
from core.domain.commands.extend import ExtendResult
from core.domain.commands.pay_invoice import PayInvoiceResult
from core.domain.commands.terminate import TerminateResult
from core.domain.commands.top_up import TopUpResult
from core.domain.commands.transfer import TransferResult
from core.domain.second_person import ApprovalState, MoneyLimit, above, expires, limit_in, state_at

NOW = datetime(2021, 3, 1, tzinfo=UTC)
LIMIT = MoneyLimit(currency="USD", per_command=Decimal(50), per_day=Decimal(80))
FIVE = {"amount": Decimal(5), "currency": "USD"}


def test_a_role_without_limits_has_none_and_with_one_has_zero_in_other_currencies() -> None:
    assert limit_in("USD", ()) is None
    assert limit_in("USD", (LIMIT,)) == LIMIT
    euros = limit_in("EUR", (LIMIT,))
    assert euros is not None
    assert (euros.currency, euros.per_command, euros.per_day) == ("EUR", 0, 0)


@pytest.mark.parametrize(
    ("moved", "before", "words"),
    [
        (50, 30, None),
        (0, 1000, None),
        (50, 31, "it moves $50.00 after $31.00 of today, and the limit of a day is $80.00"),
        (51, 0, "it moves $51.00, and the limit of a command is $50.00"),
    ],
)
def test_a_limit_holds_for_a_command_and_for_a_day(
    moved: int, before: int, words: str | None
) -> None:
    """50 + 30 = 80 is within the day, 50 + 31 = 81 is not."""
    assert above(LIMIT, Decimal(moved), Decimal(before)) == words


def test_what_waits_expires_after_three_days_and_what_is_decided_does_not() -> None:
    assert expires(NOW) == NOW + timedelta(days=3)
    for state in ApprovalState:
        late = state_at(state, NOW, expires(NOW))
        assert late is (ApprovalState.EXPIRED if state is ApprovalState.OPEN else state)
    before = expires(NOW) - timedelta(seconds=1)
    assert state_at(ApprovalState.OPEN, NOW, before) is ApprovalState.OPEN


def test_only_what_has_no_outcome_yet_may_run() -> None:
    """A failed approval is not carried out again, and neither is a done or a refused one."""
    may_run = {state for state in ApprovalState if state.may_run}
    assert may_run == {ApprovalState.OPEN, ApprovalState.APPROVED}


def test_what_a_command_moves_is_its_refund_or_what_it_moves_by_hand() -> None:
    day = NOW.date()
    refund = TerminateResult(subscription="s", expiry=day, refund=Decimal(7), currency="USD")
    assert refund.moved() == 7
    assert AdjustResult(account="a", **FIVE | {"amount": Decimal(-5)}).moved() == 5
    assert TopUpResult(account="a", **FIVE).moved() == 5
    assert TransferResult(account="a", to="b", **FIVE).moved() == 5
    assert PayInvoiceResult(account="a", receivable=Decimal(0), **FIVE).moved() == 5
    assert ExtendResult(subscription="s", expiry=day, **FIVE).moved() == 0
