"""A shop whose seller has endpoints, and the role that delivers to them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.domain.mails import TOLD
from core.gateways.webhook_secrets import SecretKeys
from core.ledger import endpoints
from doors.service.messages import Messages
from settings import Settings
from tests.ledger.conftest import Shop
from tests.ledger.conftest import shop as shop  # The fixture.

KEY = "a-key-of-the-tests-with-32-characters"


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) + timedelta(seconds=5)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@pytest.fixture
def time() -> Time:
    """A clock that is a little ahead of the database, so that what is written is due."""
    return Time()


@pytest.fixture
def add_endpoint(shop: Shop) -> Callable[..., str]:
    """Returns a function that adds an endpoint of the seller. It returns the secret."""

    def add(url: str, name: str = "crm", **values: Any) -> str:
        keys = SecretKeys([KEY])
        sealed = keys.new()
        given = {"events": None, "test_clocks": False} | values
        with shop.ledger.engine.begin() as connection:
            now = datetime.now(UTC)
            endpoints.add(
                connection, "main", name, url=url, sealed=sealed, now=now, actor="t", **given
            )
        return keys.secret(sealed)

    return add


@pytest.fixture
def role(shop: Shop, time: Time) -> Callable[..., Messages]:
    """Returns a function that makes the role `messages`, with further settings."""

    def make(**changes: Any) -> Messages:
        given = {"webhook_keys": KEY, "webhook_private": True, "webhook_seconds": 30.0}
        return Messages(shop.ledger, Settings(**(given | changes)), now=time)

    return make


@pytest.fixture
def switch_on(shop: Shop) -> Callable[..., None]:
    """Returns a function that switches the e-mails of the seller on."""

    def on(seller: str = "main", **values: Any) -> None:
        given = {"sender": "billing@example.com", "seller_address": None, "test_clocks": False}
        with shop.ledger.engine.begin() as connection:
            endpoints.set_mail(
                connection,
                seller,
                events=[str(event) for event in TOLD],
                now=datetime.now(UTC),
                actor="t",
                **(given | values),
            )

    return on
