"""When a message is tried again, and what an endpoint may be (Rule 12)."""

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.deliveries import TRIED_FOR, Answer, next_attempt, pause_of_endpoint, state_after
from core.domain.endpoints import chosen, read_event, read_url
from core.domain.events import Event
from core.domain.inputs import Wrong

FIRST = datetime(2026, 3, 8, tzinfo=UTC)


def test_the_gaps_grow_and_the_last_attempt_is_three_days_after_the_first() -> None:
    """Rule 12: retried."""
    at, attempts, gaps = FIRST, 1, []
    while (again := next_attempt(attempts, FIRST, at)) is not None:
        gaps.append(again - at)
        at, attempts = again, attempts + 1
    assert at - FIRST == TRIED_FOR
    assert gaps[:-1] == sorted(gaps[:-1])
    hours = [gap.total_seconds() / 3600 for gap in gaps[5:-1]]
    assert [gap.total_seconds() for gap in gaps[:5]] == [5, 30, 120, 600, 1800]
    assert hours == [1, 2, 4, 8, 12, 12, 12, 12]
    assert attempts == 15


def test_an_attempt_long_after_three_days_is_the_last_one() -> None:
    assert next_attempt(1, FIRST, FIRST + timedelta(days=40)) is None


@pytest.mark.parametrize(
    ("answer", "again", "state"),
    [
        (Answer(200), FIRST, "delivered"),
        (Answer(500, "no"), FIRST, "pending"),
        (Answer(500, "no"), None, "failed"),
        (Answer(550, "no such user", final=True), FIRST, "failed"),
        (Answer(dropped="it is no longer true"), FIRST, "dropped"),
    ],
)
def test_what_becomes_of_a_message(answer: Answer, again: datetime | None, state: str) -> None:
    assert state_after(answer, again) == state


def test_the_pause_of_an_endpoint_grows_to_five_minutes() -> None:
    pauses = [pause_of_endpoint(n).total_seconds() for n in (1, 2, 8, 9, 5000)]
    assert pauses == [2, 4, 256, 300, 300]


def test_an_answer_without_an_error_is_taken_and_410_is_gone() -> None:
    assert Answer(204).taken
    assert not Answer(dropped="it is no longer true").taken
    assert not Answer(204).gone
    assert not Answer(410, "gone").taken
    assert Answer(410, "gone").gone


@pytest.mark.parametrize(
    "url",
    ["https://example.com/perennial", "http://127.0.0.1:8080", "https://[2001:db8::1]/a?b=c"],
)
def test_an_address_of_an_endpoint(url: str) -> None:
    assert read_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com",
        "https://",
        "https://ann:secret@example.com",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1",
        "https://example.com/a b",
        "https://exämple.com/",
        "https://example.com/\r\nHost: other",
        "https://example.com/" + "a" * 1000,
        7,
    ],
)
def test_what_is_no_address_of_an_endpoint(url: object) -> None:
    with pytest.raises(Wrong):
        read_url(url)


def test_the_events_of_an_endpoint_are_known_and_each_is_there_once() -> None:
    assert read_event("renewed") is Event.RENEWED
    assert chosen([Event.EXPIRED, Event.RENEWED, Event.EXPIRED]) == ["renewed", "expired"]
    assert chosen([]) is None
    with pytest.raises(Wrong, match="renewal_failed"):
        read_event("lost")
