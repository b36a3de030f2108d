"""How dates, durations and amounts of money are written for a person."""

import pytest

from doors.application.dates_and_money import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (1.4, "1 second"),
        (40, "40 seconds"),
        (119.4, "119 seconds"),
        (119.7, "2 minutes"),
        (7_199, "120 minutes"),
        (7_200, "2 hours"),
        (50_000, "14 hours"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds) == words
