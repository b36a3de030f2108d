"""Messages about an account: they are listed, read and sent again."""

import pytest
from sqlalchemy import select, update

from core.domain.deliveries import DeliveryState
from core.domain.roles import Role
from core.gateways.derived_secrets import DerivedSecrets
from core.ledger import endpoints
from core.ledger.clocks import machine_now
from core.ledger.tables import Delivery
from tests.console.conftest import Desk


@pytest.fixture
async def failed(reading: Desk) -> int:
    """A message that has failed. Returns its id."""
    engine = reading.shop.perennial.ledger.engine
    with engine.begin() as connection:
        endpoints.add(
            connection,
            "main",
            "crm",
            url="https://crm.example.com/hook",
            events=None,
            test_clocks=True,
            sealed=DerivedSecrets(["k" * 32], "test", "TEST").new(),
            now=machine_now(),
            actor="test",
        )
    await reading.shop.buy()
    with engine.begin() as connection:
        id_: int = connection.execute(
            select(Delivery.id).order_by(Delivery.id).limit(1)
        ).scalar_one()
        values = {"state": DeliveryState.FAILED, "attempts": 9, "done_at": machine_now()}
        connection.execute(update(Delivery).where(Delivery.id == id_).values(**values))
    return id_


async def test_a_message_that_failed_is_seen_and_sent_again(reading: Desk, failed: int) -> None:
    """Rule 12."""
    listed = await reading.page(f"/accounts/messages/{reading.shop.id('acme')}")
    assert "crm failed" in listed
    assert "Send again" in await reading.page(f"/messages/{failed}")
    assert "Send again" not in await reading.page(f"/messages/{failed}", Role.VIEWER)
    assert (await reading.send(f"/messages/{failed}", {}, Role.VIEWER)).status_code == 403
    assert (await reading.send(f"/messages/{failed}", {}, seller="other")).status_code == 404
    sent = await reading.send(f"/messages/{failed}", {}, Role.SUPPORT)
    assert sent.status_code == 303
    page = await reading.page(sent.headers["location"])
    assert "pending" in page
    assert "It goes out again within seconds" in page
