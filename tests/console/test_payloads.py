"""The remote codec of Temporal's web UI: who may decode, what it takes, what it returns."""

import base64
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from temporalio.api.common.v1 import Payload

from core.domain.commands.top_up import TopUp
from core.domain.roles import Role
from core.protocol.workflow_messages import account_workflow
from doors.application.payload_codec import EncryptedPayloads
from doors.console import payloads as door
from doors.console.visitors import COOKIE
from tests.console.conftest import Desk, OpenConsole
from tests.workflows.test_encrypted import payloads as payloads_of

UI, OTHER = "https://temporal.example.com", "https://evil.example.com"
KEY = "k" * 32
PATH = "/payloads/decode"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"Zebulon Quux"')


@pytest.fixture
async def desk(open_console: OpenConsole) -> AsyncIterator[Desk]:
    """A console that serves the UI, without workers."""
    async with open_console(workers=(), payload_keys=KEY, temporal_ui=UI) as opened:
        yield opened


def as_json(*payloads: Payload) -> dict[str, Any]:
    """Payloads as the UI sends them."""
    return {
        "payloads": [
            {
                "metadata": {
                    name: base64.b64encode(value).decode() for name, value in it.metadata.items()
                },
                "data": base64.b64encode(it.data).decode(),
            }
            for it in payloads
        ]
    }


async def send(
    desk: Desk,
    body: Any,
    role: Role | None = Role.ADMIN,
    seller: str = "main",
    **headers: str,
) -> httpx.Response:
    """What the page of the UI gets. `body`: JSON, or bytes that are none."""
    cookie = {} if role is None else {"Cookie": f"{COOKIE}={desk.token(role, seller)}"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = {"Origin": UI, "Content-Type": "application/json", "X-Namespace": "default"}
    return await desk.client.post(PATH, content=content, headers=usual | cookie | headers)


async def test_an_admin_reads_what_was_encrypted(desk: Desk) -> None:
    [encrypted] = await EncryptedPayloads([KEY]).encode([PLAIN])
    answer = await send(desk, as_json(encrypted, PLAIN))
    assert answer.status_code == 200
    assert answer.json() == as_json(PLAIN, PLAIN)
    assert answer.headers["Access-Control-Allow-Origin"] == UI
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


async def test_the_payloads_of_a_real_history_are_decoded(open_console: OpenConsole) -> None:
    async with open_console(payload_keys=KEY, temporal_ui=UI) as desk:
        shop = desk.shop
        paid = TopUp(account=shop.id("acme"), amount=Decimal(1), actor="Zebulon")
        assert (await shop.perennial.do(paid)).refusal is None
        workflow = account_workflow(shop.id("acme"))
        handle = shop.perennial.temporal.get_workflow_handle(workflow)
        history = (await handle.fetch_history()).to_json_dict()
        found = list(payloads_of(history["events"]))
        assert "Zebulon" not in json.dumps(history)
        answer = await send(desk, as_json(*found))
        assert answer.status_code == 200
        decoded = [
            base64.b64decode(it.get("data", "")).decode() for it in answer.json()["payloads"]
        ]
        assert len(decoded) == len(found)
        assert any("Zebulon" in text for text in decoded)


async def test_a_browser_may_send_from_the_page_of_the_ui_only(desk: Desk) -> None:
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-namespace",
    }
    first = await desk.client.options(PATH, headers={"Origin": UI} | asks)
    assert first.status_code == 204
    assert "X-Namespace" in first.headers["Access-Control-Allow-Headers"]
    other = await desk.client.options(PATH, headers={"Origin": OTHER} | asks)
    assert other.status_code == 403
    assert "Access-Control-Allow-Origin" not in other.headers
    answer = await send(desk, as_json(PLAIN), Origin=OTHER)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("role", "seller", "status"),
    [
        (None, "main", 401),
        (Role.VIEWER, "main", 403),
        (Role.SUPPORT, "main", 403),
        (Role.FINANCE, "main", 403),
        (Role.ADMIN, "other", 403),
    ],
)
async def test_only_admins_of_the_installation_decode(
    desk: Desk, role: Role | None, seller: str, status: int
) -> None:
    answer = await send(desk, as_json(PLAIN), role, seller)
    assert answer.status_code == status
    assert "payloads" not in answer.json()


async def test_a_body_has_bounds_and_a_form(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await send(desk, b"{", **{"Content-Type": "text/plain"})).status_code == 415
    for wrong in (b"{", b"[]", b'{"x": 1}', b'{"payloads": [{"data": 1}]}', b"[" * 100_000):
        answer = await send(desk, wrong)
        assert answer.status_code == 400, wrong[:20]
        assert "must be JSON" in answer.json()["message"]
    [encrypted] = await EncryptedPayloads(["x" * 32]).encode([PLAIN])
    unknown = await send(desk, as_json(encrypted))
    assert unknown.status_code == 400
    assert "add that key to PERENNIAL_PAYLOAD_KEYS" in unknown.json()["message"]
    monkeypatch.setattr(door, "MOST_PAYLOADS", 2)
    assert (await send(desk, as_json(PLAIN, PLAIN, PLAIN))).status_code == 400
    monkeypatch.setattr(door, "MOST_BYTES", 10)
    assert (await send(desk, as_json(PLAIN))).status_code == 413


async def test_it_is_off_without_the_address_of_the_ui(open_console: OpenConsole) -> None:
    async with open_console(workers=(), payload_keys=KEY) as desk:
        answer = await send(desk, as_json(PLAIN))
        assert answer.status_code == 404
        assert "PERENNIAL_TEMPORAL_UI" in answer.json()["message"]
        assert (await desk.client.options(PATH, headers={"Origin": UI})).status_code == 403
