"""A batch of usage is checked as a whole before a row is charged (Rules 4.2, 11.1)."""

from decimal import Decimal

import pytest

from core.domain.commands.usage import Usage
from core.domain.faults import Faults
from core.domain.usage_batch import (
    MOST_ROWS,
    ChargedBatch,
    ChargedRow,
    RowOutcome,
    check_batch,
)


def row(request_id: str | None = "r1") -> Usage:
    return Usage(account="acme", amount=Decimal("0.30000"), text="call", request_id=request_id)


@pytest.mark.parametrize("count", [1, 2, MOST_ROWS])
def test_a_batch_has_rows_up_to_a_bound(count: int) -> None:
    check_batch([row(f"r{number}") for number in range(count)])


@pytest.mark.parametrize("count", [0, MOST_ROWS + 1])
def test_a_batch_without_rows_or_with_too_many_is_refused(count: int) -> None:
    with pytest.raises(Faults, match=f"a batch has 1 to 1000 rows, not {count}"):
        check_batch([row()] * count)


def test_rule_4_2_each_row_of_a_batch_has_a_request_id() -> None:
    with pytest.raises(Faults) as raised:
        check_batch([row(), row(None), row("r3"), row(None)])
    assert [fault.place for fault in raised.value.faults] == ["row 2", "row 4"]


def test_rows_are_counted_by_what_became_of_them() -> None:
    outcomes = (RowOutcome.CHARGED, RowOutcome.REFUSED, RowOutcome.CHARGED)
    rows = tuple(
        ChargedRow(request_id=f"r{number}", account="acme", amount=Decimal(1), outcome=outcome)
        for number, outcome in enumerate(outcomes)
    )
    batch = ChargedBatch(rows=rows, balances=())
    assert [batch.count(outcome) for outcome in RowOutcome] == [2, 0, 1, 0]
