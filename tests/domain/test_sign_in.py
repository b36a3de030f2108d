"""Signing in: people, passwords, gaps after wrong ones, the end of sessions (docs/staff.md)."""

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.inputs import Wrong
from core.domain.sign_in import (
    actor_of,
    locked_until,
    read_password,
    read_staff_email,
    read_staff_name,
    session_ends,
)

NOW = datetime(2021, 3, 1, tzinfo=UTC)


def test_an_address_is_in_small_letters_and_fits_into_an_actor() -> None:
    assert read_staff_email("Ann.B@Example.COM") == "ann.b@example.com"
    with pytest.raises(Wrong, match="at most 120"):
        read_staff_email(f"ann@{'a' * 60}.{'b' * 60}.com")
    longest = actor_of("n" * 60, "e" * 120)
    assert len(longest) < 200


def test_a_name_cannot_look_like_an_address() -> None:
    assert read_staff_name("Ann ") == "Ann"
    for name in ("Ann <boss@example.com>", "A>", "", "x" * 61):
        with pytest.raises(Wrong):
            read_staff_name(name)


def test_a_password_is_normalised_and_bounded() -> None:
    assert read_password("ﬁve horses eat") == "five horses eat"
    for password, words in (
        (7, "text"),
        ("short", "12 to 200"),
        ("x" * 201, "12 to 200"),
        ("abababababab", "5 different"),
        ("five\nhorses eat", "control"),
    ):
        with pytest.raises(Wrong, match=words) as told:
            read_password(password)
        assert repr(password) not in str(told.value)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, None), (4, None), (5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (10_000, 3600)],
)
def test_gaps_grow_to_an_hour(failures: int, seconds: int | None) -> None:
    """30 s * 2^(failures - 5), at most 3600 s."""
    wanted = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert locked_until(failures, NOW) == wanted


def test_a_session_ends_when_it_is_idle_and_after_twelve_hours() -> None:
    hour = timedelta(hours=1)
    assert session_ends(NOW, NOW) == NOW + hour / 2
    assert session_ends(NOW, NOW + 11 * hour) == NOW + 11.5 * hour
    assert session_ends(NOW, NOW + 11.75 * hour) == NOW + 12 * hour
