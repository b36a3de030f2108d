"""A batch goes on past a row that raises."""

from collections.abc import Sequence

import pytest

from doors.application.batches import past_failing_rows


def work(calls: list[int], poison: set[int], error: type[Exception] = ValueError):
    def sums(rows: Sequence[int]) -> list[int]:
        calls.append(len(rows))
        if poison.intersection(rows):
            raise error("poison")
        return list(rows)

    return sums


@pytest.mark.parametrize("poison", [set(), {0}, {499}, {250}, {3, 4, 444}])
def test_all_other_rows_are_worked_on_once(poison: set[int]) -> None:
    failed: list[int] = []
    done = past_failing_rows(range(500), work([], poison), lambda row, _: failed.append(row))
    assert [row for part in done for row in part] == [n for n in range(500) if n not in poison]
    assert set(failed) == poison
    assert len(failed) == len(poison)


def test_a_failing_row_costs_few_attempts() -> None:
    calls: list[int] = []
    list(past_failing_rows(range(500), work(calls, {123}), lambda *_: None))
    assert len(calls) <= 1 + 18


def test_no_rows_are_no_work() -> None:
    calls: list[int] = []
    assert list(past_failing_rows([], work(calls, set()), lambda *_: None)) == []
    assert calls == []


def test_a_server_that_is_away_is_no_fault_of_a_row() -> None:
    failed: list[int] = []
    calls: list[int] = []
    with pytest.raises(ConnectionError):
        list(
            past_failing_rows(
                range(8), work(calls, {1}, ConnectionError), lambda row, _: failed.append(row)
            )
        )
    assert (calls, failed) == ([8], [])
