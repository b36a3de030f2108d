"""What a program is told of an event (Rule 12)."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import jsonschema
import pytest

from core.domain.event_payloads import FACTS, Happened, body, schema, trial_body
from core.domain.events import Event
from settings import PROJECT

SCHEMAS = PROJECT / "docs" / "schemas"
AT = datetime(2026, 3, 8, tzinfo=UTC)


def happened(event: Event, **values: object) -> Happened:
    given = {
        "seq": 7,
        "event": event,
        "at": AT,
        "account": "acme",
        "subscription": "s1",
        "rule": "5.1",
        "amount": Decimal("-50.00000"),
        "currency": "USD",
        "facts": {"expiry": "2026-04-14", "remark": "of a person", "external_invoice": None},
    }
    return Happened(**(given | values))  # type: ignore[arg-type]


def test_the_body_of_a_renewal_is_the_documented_one() -> None:
    assert body(happened(Event.RENEWED)) == {
        "type": "renewed",
        "version": 1,
        "timestamp": "2026-03-08T00:00:00Z",
        "id": "event-7",
        "data": {
            "account": "acme",
            "subscription": "s1",
            "rule": "5.1",
            "amount": "-50.00",
            "currency": "USD",
            "facts": {"expiry": "2026-04-14"},
        },
    }


def test_an_event_of_an_account_without_money_has_neither_subscription_nor_amount() -> None:
    zone = timezone(timedelta(hours=8))
    told = happened(
        Event.ACCOUNT_SUSPENDED,
        subscription=None,
        amount=None,
        at=datetime(2026, 3, 8, 8, tzinfo=zone),
    )
    assert body(told)["data"] == {"account": "acme", "rule": "5.1", "facts": {}}
    assert body(told)["timestamp"] == "2026-03-08T00:00:00Z"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("1200.00000", "JPY", "1200"), ("3.12500", "KWD", "3.125"), ("-0.12345", "USD", "-0.12345")],
)
def test_an_amount_is_text_with_the_decimals_of_its_currency(
    amount: str, currency: str, text: str
) -> None:
    """Rule 3.2."""
    told = body(happened(Event.USAGE, amount=Decimal(amount), currency=currency))
    assert told["data"]["amount"] == text


@pytest.mark.parametrize("event", Event)
def test_each_event_has_a_schema_that_is_published_and_that_its_body_keeps(event: Event) -> None:
    made = schema(event)
    jsonschema.Draft202012Validator.check_schema(made)
    facts = dict.fromkeys(FACTS.get(event, ()), "2026-04-14")
    checker = jsonschema.Draft202012Validator(
        made, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    checker.validate(body(happened(event, facts=facts)))
    checker.validate(body(happened(event, facts={}, amount=None, subscription=None)))
    published = SCHEMAS / f"{event}.v1.json"
    assert json.loads(published.read_text()) == made, (
        f"write it anew: starter.py webhook schema {event} > docs/schemas/{published.name}"
    )


def test_no_schema_is_left_of_an_event_that_does_not_exist() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {f"{event}.v1.json" for event in Event}


def test_a_test_message_tells_of_nothing() -> None:
    told = trial_body("test-1", AT)
    assert (told["type"], told["id"], told["data"]) == ("test", "test-1", {"facts": {}})
