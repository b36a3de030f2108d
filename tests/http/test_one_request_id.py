"""A key is one request (Rule 4.2), whatever was asked with it first, and by whichever door."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from core.domain.campaigns import EACH
from core.domain.commands.adjust import Adjust
from core.domain.commands.extend import Extend
from core.domain.refusal import Refused
from core.ledger import seller_wallets
from core.ledger.clocks import machine_now
from tests.http.conftest import Api

KEY = "july"
WAYS = ("command", "account", "top_up", "campaign")


async def ask(api: Api, way: str, amount: str = "5.00") -> httpx.Response:
    """Ask for something with the key. `amount`: another one is another request."""
    acme = api.shop.id("acme")
    if way == "command":
        return await api.post("/v1/commands/set_card", {"account": acme, "card": "sim_ok"}, KEY)
    if way == "top_up":
        body = {"currency": "USD", "amount": amount}
        return await api.post("/v1/seller-top-ups", body, KEY)
    if way == "campaign":
        options = {"do": "extend", "options": {"cycles": 1}, "subscriptions": [api.shop.id("s1")]}
        return await api.post("/v1/campaigns", options, KEY)
    account: dict[str, Any] = {"account": "globex", "currency": "USD", "timezone": "UTC"}
    person = {"owner": "ada@g.example", "billing_email": "ada@g.example"}
    return await api.post("/v1/accounts", account | person, KEY)


def top_up_in_process(api: Api, amount: str) -> bool:
    """A top-up of the seller, as the command line does it."""
    ledger = api.shop.perennial.ledger
    with ledger.transaction("seller_top_up") as connection:
        return seller_wallets.top_up(
            connection,
            ledger.seller,
            "USD",
            Decimal(amount),
            at=machine_now(),
            request_id=KEY,
            actor="command line",
        )


@pytest.mark.parametrize("first", WAYS)
async def test_a_key_does_one_thing(reading: Api, first: str) -> None:
    """No worker runs, so the campaign does nothing beside."""
    await reading.shop.buy("s1")
    done = await ask(reading, first)
    assert done.is_success, done.text
    again = await ask(reading, first)
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    for other in WAYS:
        if other != first:
            answer = await ask(reading, other)
            found = (answer.status_code, answer.json().get("rule"))
            assert found == (409, "4.2"), (first, other, answer.text)
    perennial = reading.shop.perennial
    extend = Extend(subscription=EACH, cycles=2, request_id=KEY, actor="ann")
    with pytest.raises(Refused, match="was used for"):
        await perennial.campaigns.start(extend, [reading.shop.id("s1")])
    adjust = Adjust(account=reading.shop.id("acme"), amount=Decimal(1), reason="a", request_id=KEY)
    refusal = (await perennial.preview(adjust)).refusal
    assert refusal is not None
    assert refusal.rule == "4.2"
    with pytest.raises(Refused, match="was used for"):
        top_up_in_process(reading, "9.00")


async def test_a_top_up_of_the_seller_is_repeated_by_every_door(reading: Api) -> None:
    """Rule 11.5. It holds what came first, whichever door gave it."""
    assert top_up_in_process(reading, "5.00")
    for _ in range(2):
        answer = await ask(reading, "top_up")
        assert (answer.status_code, answer.json()["balance"]) == (200, "5.00")
    assert not top_up_in_process(reading, "5.00")
    assert (await ask(reading, "top_up", "6.00")).status_code == 409


async def test_a_key_of_two_sellers_is_two_campaigns(reading: Api) -> None:
    """Workflows of campaigns are named by seller and key."""
    await reading.shop.buy("s1")
    first = await ask(reading, "campaign")
    theirs = {"do": "extend", "options": {"cycles": 1}, "subscriptions": [reading.shop.id("s1")]}
    stolen = await reading.post("/v1/campaigns", theirs, KEY, seller="other")
    assert stolen.status_code == 400, stolen.text
    globex = {"account": "globex", "currency": "USD", "timezone": "UTC", "credits": "500.00"}
    person = {"owner": "ada@g.example", "billing_email": "ada@g.example"}
    entry = {"sku": "TEAM", "application": "t", "kind": "application", "months": 1}
    entries = [entry | {"prices": {"USD": "1.00"}}]
    for path, body in (
        ("/v1/catalog-entries", {"entries": entries}),
        ("/v1/accounts", globex | person),
        (
            "/v1/commands/purchase",
            {"subscription": "other-1", "account": "globex", "sku": "TEAM"},
        ),
    ):
        assert (await reading.post(path, body, seller="other")).is_success
    second = await reading.post(
        "/v1/campaigns", theirs | {"subscriptions": ["other-1"]}, KEY, seller="other"
    )
    assert second.status_code == 201, second.text
    ids = [answer.json()["campaign"] for answer in (first, second)]
    assert ids[0] != ids[1]
    assert (await reading.get(f"/v1/campaigns/{ids[0]}", seller="other")).status_code == 404
