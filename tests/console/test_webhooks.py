"""Endpoints of webhooks in the console: added, changed, tested, and their messages sent again."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest

from core.domain.roles import Role
from tests.console.conftest import Desk, OpenConsole, words_of
from tests.console.test_staff import shown
from tests.messages.servers import Platform, platform, status

URL = "https://example.com/perennial"


@pytest.fixture
async def keyed(open_console: OpenConsole) -> AsyncIterator[Desk]:
    """A console that has keys for the secrets, and may call endpoints of this machine."""
    async with open_console(
        workers=(), webhook_keys="k" * 40, webhook_private=True, webhook_seconds=30
    ) as desk:
        yield desk


async def field(desk: Desk, path: str, name: str) -> str:
    """The value of a hidden field of a page."""
    page = (await desk.get(path)).text
    return unescape(str(re.findall(rf'name="{name}" value="([^"]+)"', page)[0]))


async def added(desk: Desk, url: str = URL, **further: str) -> str:
    """The secret of an endpoint `crm` that an admin adds."""
    request = await field(desk, "/webhooks", "request_id")
    form = {"request_id": request, "name": "crm", "url": url} | further
    first = await desk.send("/webhook-add", form)
    again = await desk.send("/webhook-add", form)
    assert shown(first.text) == shown(again.text), "a double click adds one endpoint"
    return shown(first.text)


async def test_an_endpoint_is_added_changed_given_another_secret_and_removed(keyed: Desk) -> None:
    secret = await added(keyed, **{"event-renewed": "on", "event-expired": "on"})
    assert secret.startswith("whsec_")
    page = await keyed.page("/webhooks/crm", Role.VIEWER)
    assert "Events Renewed, Expired" in page
    assert "Change it" not in page
    seen = await field(keyed, "/webhooks/crm", "seen")
    form = {"seen": seen, "url": f"{URL}/2", "test_clocks": "on"}
    assert (await keyed.send("/webhook-change/crm", form)).status_code == 303
    page = await keyed.page("/webhooks/crm")
    assert "Events all Accounts on test clocks told as well" in page
    late = await keyed.send("/webhook-change/crm", form | {"url": f"{URL}/3"})
    assert (late.status_code, "Someone has changed this endpoint" in late.text) == (409, True)
    assert f'value="{URL}/3"' in late.text
    assert f"{URL}/2" in late.text
    rotate = {"request_id": await field(keyed, "/webhooks/crm", "request_id"), "overlap": "24"}
    other = [await keyed.send("/webhook-rotate/crm", rotate) for _ in range(2)]
    new = shown(other[0].text)
    assert (new != secret, new == shown(other[1].text)) == (True, True)
    assert "The secret before signs until" in await keyed.page("/webhooks/crm")
    await keyed.send("/webhook-off/crm", {})
    assert "off since" in await keyed.page("/webhooks/crm")
    assert "by" in await keyed.page("/webhooks")
    await keyed.send("/webhook-on/crm", {})
    assert "State works" in await keyed.page("/webhooks/crm")
    await keyed.send("/webhook-remove/crm", {})
    assert "No endpoint yet" in await keyed.page("/webhooks")
    acts = keyed.shop.sql(
        "SELECT act FROM audit WHERE subject = 'webhook/crm' ORDER BY position"
    ).scalars()
    assert sorted(acts) == sorted(
        ["add_webhook", "rotate_webhook_secret", "remove_webhook"] + 3 * ["change_webhook"]
    )
    kept = str(keyed.shop.sql("SELECT array_agg(a::text) FROM audit a").scalar())
    assert secret not in kept


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": ""}, "Name: "),
        ({"url": "ftp://example.com"}, "Address: 'ftp://example.com' is no address"),
        ({"event-lost": "on"}, "Events: 'lost' is no event"),
    ],
)
async def test_a_wrong_value_is_told_beside_its_field_and_what_was_typed_is_kept(
    keyed: Desk, form: dict[str, str], words: str
) -> None:
    request = await field(keyed, "/webhooks", "request_id")
    sent = {"request_id": request, "name": "crm", "url": URL, "event-renewed": "on"} | form
    wrong = await keyed.send("/webhook-add", sent)
    assert (wrong.status_code, words in words_of(wrong.text)) == (400, True)
    assert 'name="event-renewed" checked' in wrong.text
    assert "No endpoint yet" in await keyed.page("/webhooks")


async def test_a_name_that_is_taken_is_refused(keyed: Desk) -> None:
    await added(keyed)
    request = await field(keyed, "/webhooks", "request_id")
    form = {"request_id": request, "name": "crm", "url": URL}
    taken = await keyed.send("/webhook-add", form)
    assert (taken.status_code, "There is an endpoint crm already" in taken.text) == (422, True)


async def test_plain_http_needs_a_setting_and_a_secret_needs_a_key(reading: Desk) -> None:
    form = {"request_id": await field(reading, "/webhooks", "request_id"), "name": "crm"}
    http = await reading.send("/webhook-add", form | {"url": "http://example.com"})
    assert (http.status_code, "http is not allowed; use https" in http.text) == (400, True)
    no_key = await reading.send("/webhook-add", form | {"url": URL})
    assert (no_key.status_code, "PERENNIAL_WEBHOOK_KEYS" in no_key.text) == (503, True)


async def test_a_test_is_sent_and_its_response_is_shown(keyed: Desk) -> None:
    server: Platform
    async with platform() as server:
        await added(keyed, server.url)
        took = await keyed.send("/webhook-test/crm", {})
        assert "It has taken the test, with the status 204." in took.text
        server.reply = status(500)
        failed = await keyed.send("/webhook-test/crm", {})
        assert "It has not taken the test" in words_of(failed.text)
    assert [it.body["type"] for it in server.got] == ["test", "test"]


async def test_failed_messages_are_found_by_state_and_sent_again(keyed: Desk) -> None:
    await keyed.shop.buy()
    await added(keyed, test_clocks="on")
    keyed.shop.sql(
        "INSERT INTO deliveries (endpoint, event, account, subject, state, attempts, error)"
        " SELECT e.id, h.seq, h.account, h.account, 'failed', 9, 'no response'"
        " FROM endpoints e, history h LIMIT 1"
    )
    assert "no response" in await keyed.page("/webhooks/crm?state=failed")
    assert "No message is pending" in await keyed.page("/webhooks/crm?state=pending")
    assert "Send the failed ones again" in await keyed.page("/webhooks/crm", Role.SUPPORT)
    again = await keyed.send("/webhook-resend/crm", {}, Role.SUPPORT)
    assert "go out again within seconds: 1." in words_of(again.text)
    await keyed.send("/webhook-off/crm", {})
    off = await keyed.send("/webhook-resend/crm", {}, Role.SUPPORT)
    assert (off.status_code, "Switch it on first" in off.text) == (422, True)
