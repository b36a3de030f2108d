"""When the digest of a day is due (Rule 12)."""

from datetime import UTC, date, datetime

import pytest

from core.domain.alarms import digest_due

DUE = datetime(2026, 3, 8, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "minute", "due"),
    [(0, 0, None), (5, 59, None), (6, 0, DUE), (6, 1, DUE), (23, 59, DUE)],
)
def test_a_digest_is_due_once_a_day_from_six_on(
    hour: int, minute: int, due: datetime | None
) -> None:
    found = digest_due(datetime(2026, 3, 8, hour, minute, tzinfo=UTC))
    assert found == (None if due is None else (date(2026, 3, 8), due))
