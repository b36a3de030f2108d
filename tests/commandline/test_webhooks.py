"""Endpoints and messages on the command line (Rule 12)."""

import asyncio
import json
from datetime import timedelta

import pytest

from core.ledger.clocks import machine_now
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.service.messages import Messages
from settings import read_settings
from tests.commandline.conftest import Shop, call
from tests.messages.servers import platform, status

URL = "https://example.com/perennial"


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys for the secrets are set, and endpoints of this machine are allowed."""
    monkeypatch.setenv("PERENNIAL_WEBHOOK_KEYS", "k" * 40)
    monkeypatch.setenv("PERENNIAL_WEBHOOK_PRIVATE", "true")


def deliver() -> int:
    """Run the role `messages` once, a little later."""
    config = read_settings()
    assert config.database_url is not None
    ledger = Ledger(connect(config.database_url), config.seller)
    later = Messages(ledger, config, now=lambda: machine_now() + timedelta(seconds=5))
    try:
        return asyncio.run(later.once())
    finally:
        ledger.engine.dispose()


def test_an_endpoint_is_added_shown_rotated_and_removed(shop: Shop, keyed: None) -> None:
    added = call("webhook", "add", "crm", URL, "--event", "renewed", "--event", "expired", "--json")
    secret = added.json["secret"]
    assert secret.startswith("whsec_")
    assert secret not in call("webhook", "list").out
    [line] = call("webhook", "list", "--json").json
    assert (line["name"], line["events"], line["waiting"]) == ("crm", ["renewed", "expired"], 0)
    rotated = call("webhook", "rotate", "crm", "--json").json
    assert rotated["secret"] != secret
    assert "works" in call("webhook", "list").out
    assert call("webhook", "on", "crm").code == 0
    assert call("webhook", "remove", "crm").code == 2
    assert call("webhook", "remove", "crm", "--yes").code == 0
    assert "There is no endpoint" in call("webhook", "list").out
    assert call("webhook", "remove", "crm", "--yes").code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "crm", "ftp://example.com"), "URL: 'ftp://example.com' is no address"),
        (("add", "crm", URL, "--event", "lost"), "is no event"),
        (("add", "\n", URL), "NAME"),
        (("schema", "lost"), "is no event"),
        (("rotate", "crm", "--keep-old-hours", "-1"), "keep-old-hours"),
    ],
)
def test_wrong_input_is_said_with_its_place(
    shop: Shop, keyed: None, arguments: tuple[str, ...], words: str
) -> None:
    told = call("webhook", *arguments)
    assert told.code == 2
    assert words in told.err


def test_without_a_key_no_endpoint_is_added(shop: Shop) -> None:
    told = call("webhook", "add", "crm", URL)
    assert told.code == 2
    assert "PERENNIAL_WEBHOOK_KEYS" in told.err


def test_plain_http_needs_the_setting(
    shop: Shop, keyed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_WEBHOOK_PRIVATE", "false")
    told = call("webhook", "add", "crm", "http://127.0.0.1:1/")
    assert (told.code, "https" in told.err) == (2, True)


def test_what_happened_can_be_looked_at_and_sent_again(shop: Shop, keyed: None) -> None:
    assert call("webhook", "add", "crm", "http://127.0.0.1:1/", "--test-clocks").code == 0
    shop.buy()
    assert deliver() == 0
    told = call("webhook", "deliveries", "crm")
    assert "pending" in told.out
    assert "no connection" in told.out
    [line] = call("message", "list", "--json").json
    shown = call("message", "show", str(line["id"]))
    assert '"type": "purchased"' in shown.out
    assert call("message", "show", "999999").code == 1
    assert call("message", "resend", str(line["id"])).code == 0
    assert call("message", "resend", "999999").code == 1
    assert call("message", "resend").code == 2
    assert call("message", "resend", "--failed").code == 2
    assert call("message", "resend", "--failed", "--endpoint", "crm", "--json").json == {
        "sent_again": 0
    }
    assert call("message", "list", "--state", "lost").code == 2
    assert "no such message" in call("message", "list", "--state", "failed").out
    assert call("webhook", "deliveries", "lost").code == 1


def test_a_test_message_is_sent_at_once(shop: Shop, keyed: None) -> None:
    async def tried(reply: int) -> tuple[int, str, list[str]]:
        async with platform(reply=status(reply)) as there:
            assert (await asyncio.to_thread(add, there.url)).code == 0
            told = await asyncio.to_thread(call, "webhook", "test", "crm")
            assert (await asyncio.to_thread(call, "webhook", "remove", "crm", "--yes")).code == 0
        return told.code, told.out + told.err, [got.body["type"] for got in there.got]

    def add(url: str) -> object:
        return call("webhook", "add", "crm", url)

    code, words, got = asyncio.run(tried(200))
    assert (code, got) == (0, ["test"])
    code, words, got = asyncio.run(tried(500))
    assert (code, got) == (3, ["test"])
    assert "status 500" in words


def test_a_schema_is_printed() -> None:
    assert json.loads(call("webhook", "schema", "renewed").out)["title"] == "renewed, version 1"
