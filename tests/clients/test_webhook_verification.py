"""The client's check of webhooks is that of the library `standardwebhooks`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from perennial_client.webhooks import TOLERANCE, NotGenuine, verify
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = json.dumps(
    {
        "type": "renewed",
        "version": 1,
        "timestamp": "2026-03-08T00:00:00Z",
        "id": "event-7",
        "data": {"account": "acme", "amount": "-50.00"},
    }
).encode()


def now() -> datetime:
    """The present second. The library compares with the clock of the machine only."""
    return datetime.now(UTC).replace(microsecond=0)


def signed(secret: str = SECRET, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    """The headers of a message, signed by the library. `at`: default, now."""
    at = at or now()
    return {
        "Webhook-Id": "event-7",
        "webhook-timestamp": str(int(at.timestamp())),
        "WEBHOOK-SIGNATURE": Webhook(secret).sign("event-7", at, body.decode()),
    }


def test_a_message_that_the_library_has_signed_is_genuine() -> None:
    message = verify(SECRET, signed(), BODY)
    assert (message.id, message.type, message.version) == ("event-7", "renewed", 1)
    assert message.at == datetime(2026, 3, 8, tzinfo=UTC)
    assert message.data["amount"] == "-50.00"


def test_while_a_secret_is_replaced_either_may_fit() -> None:
    both = signed()
    both["WEBHOOK-SIGNATURE"] = f"{signed(OTHER)['WEBHOOK-SIGNATURE']} {both['WEBHOOK-SIGNATURE']}"
    assert verify(SECRET, both, BODY)
    assert verify([OTHER, SECRET], signed(), BODY)


LONG = timedelta(seconds=TOLERANCE, hours=1)


#: What is wrong with a message: its headers, made when the test runs, and its body.
NOT_GENUINE: dict[str, Callable[[], tuple[dict[str, str], bytes]]] = {
    "another body": lambda: (signed(), BODY.replace(b"50", b"51")),
    "another secret": lambda: (signed(OTHER), BODY),
    "too old": lambda: (signed(at=now() - LONG), BODY),
    "too new": lambda: (signed(at=now() + LONG), BODY),
    "another instant": lambda: (
        signed() | {"webhook-timestamp": str(int(now().timestamp()) + 60)},
        BODY,
    ),
    "an instant that is none": lambda: (signed() | {"webhook-timestamp": "now"}, BODY),
    "another id": lambda: (signed() | {"Webhook-Id": "event-8"}, BODY),
    "no signature": lambda: (signed() | {"WEBHOOK-SIGNATURE": ""}, BODY),
    "half a signature": lambda: (signed() | {"WEBHOOK-SIGNATURE": "v1"}, BODY),
    "a signature that is none": lambda: (signed() | {"WEBHOOK-SIGNATURE": "v1,ä"}, BODY),
    "another version": lambda: (
        signed() | {"WEBHOOK-SIGNATURE": signed()["WEBHOOK-SIGNATURE"].replace("v1", "v2")},
        BODY,
    ),
    "no headers": lambda: ({}, BODY),
}


@pytest.mark.parametrize("wrong", NOT_GENUINE)
def test_what_is_not_genuine_is_refused_as_by_the_library(wrong: str) -> None:
    headers, body = NOT_GENUINE[wrong]()
    with pytest.raises(NotGenuine):
        verify(SECRET, headers, body)
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(SECRET).verify(body, {name.lower(): text for name, text in headers.items()})


def test_a_genuine_body_that_is_no_message_is_refused() -> None:
    for body in (b"[]", b"{}", b'{"id": 1}'):
        with pytest.raises(NotGenuine, match="no message"):
            verify(SECRET, signed(body=body), body)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ä", "whsec_*"])
def test_a_secret_that_is_none_is_said(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify(secret, signed(), BODY)
