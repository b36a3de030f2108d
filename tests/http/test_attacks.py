"""What an attacker tries: ids of others, fields, headers, sizes, slow bodies, many at once."""

import asyncio
import json
import statistics
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog

from core.domain.roles import Role
from core.ledger import api_keys
from core.ledger.clocks import machine_now
from doors.http.application import application
from doors.http.server import listen, serving
from tests.http.conftest import Api, OpenApi

FORMULA = "=HYPERLINK(1)"
FILES = ("pdf", "html", "csv")
LISTS = ("invoices", "receipts", "transactions/csv", "messages")


async def test_another_seller_reaches_nothing_by_an_id(api: Api) -> None:
    """Each id of a seller at each endpoint of the other resources, with the key of another one."""
    from activities.number_invoices import number_invoices

    acme, s = api.shop.id("acme"), await api.shop.buy()
    hook = {"name": "crm", "url": "https://example.com/p", "test_clocks": True}
    await api.post("/v1/webhooks", hook)
    await api.done("top_up", {"account": acme, "amount": "20.00"}, request_id="top-up-1")
    number_invoices(api.shop.perennial.ledger)
    extend = {"do": "extend", "options": {"cycles": 1}, "subscriptions": [s]}
    campaign = (await api.post("/v1/campaigns", extend)).json()["campaign"]
    invoice = int((await api.get("/v1/invoices", account=acme)).json()["data"][0]["number"])
    receipt = (await api.get("/v1/receipts", account=acme)).json()["data"][0]["receipt"]
    message = (await api.get("/v1/messages")).json()["data"][0]["id"]
    reads = (
        *(f"/v1/invoices/{invoice}{end}" for end in ("", "/pdf", "/html", "/xml")),
        *(f"/v1/receipts/{receipt}/{end}" for end in ("pdf", "html")),
        *(f"/v1/campaigns/{campaign}{end}" for end in ("", "/receipt")),
        *(f"/v1/{name}?account={acme}" for name in LISTS),
        *(f"/v1/statements/{end}?account={acme}&from=2021-01-01&to=2021-12-31" for end in FILES),
        *(f"/v1/reasons/{end}" for end in (f"balances/{acme}", f"renewals/{s}", f"refusals/{s}")),
        f"/v1/reasons/invoices/{invoice}",
        *("/v1/webhooks/crm", f"/v1/messages/{message}", f"/v1/events?account={acme}"),
    )
    for path in reads:
        assert (await api.get(path, seller="other")).status_code == 404, path
    for path in ("/v1/webhooks", "/v1/messages", "/v1/campaigns"):
        assert (await api.get(path, seller="other")).json()["data"] == [], path
    assert (await api.get("/v1/requests/top-up-1", seller="other")).json()["state"] == "open"
    writes: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        *(("PUT", f"/v1/campaigns/{campaign}/{do}", None) for do in ("pause", "resume", "stop")),
        ("PUT", f"/v1/campaigns/{campaign}/rate", {"rate": 1}),
        ("POST", "/v1/campaigns", extend),
        ("POST", "/v1/campaign-previews", extend),
        ("PATCH", "/v1/webhooks/crm", {"on": False}),
        ("DELETE", "/v1/webhooks/crm", None),
        ("POST", "/v1/webhook-secrets", {"name": "crm"}),
        ("POST", "/v1/webhook-tests", {"name": "crm"}),
        ("POST", "/v1/message-resends", {"messages": [message]}),
        ("POST", "/v1/message-resends", {"failed_of": "crm"}),
    )
    before = [(await api.get(path)).json() for path in ("/v1/webhooks", "/v1/messages")]
    for number, (method, path, body) in enumerate(writes):
        headers = {"Idempotency-Key": f"k-{number}", "If-Match": "*"}
        answer = await api.send(method, path, body, seller="other", headers=headers)
        assert answer.status_code in (400, 404), (method, path, answer.text)
    usage = {"rows": [{"account": acme, "amount": "1.00", "text": "x"}]}
    charged = await api.post("/v1/usage-batches", usage, seller="other")
    assert charged.json()["rows"][0]["outcome"] == "refused"
    assert charged.json()["balances"] == []
    assert [(await api.get(path)).json() for path in ("/v1/webhooks", "/v1/messages")] == before


async def test_what_comes_in_cannot_break_out(reading: Api) -> None:
    """Line ends in headers, ids and bodies reach no header and no line of the log."""
    with structlog.testing.capture_logs() as events:
        for evil in ("a\r\nSet-Cookie: x=1", "a\x00b", "\u202eabc", "${jndi:ldap://x}", FORMULA):
            path = f"/v1/accounts/{quote(evil, safe='')}"
            answer = await reading.get(path)
            assert answer.status_code in (400, 404), evil
            assert "set-cookie" not in answer.headers
            new = {"account": evil, "currency": "USD", "timezone": "UTC"}
            made = await reading.post("/v1/accounts", new)
            assert made.status_code in (201, 400)
            location = made.headers.get("location", "")
            assert location.isascii()
            assert "\n" not in location
    told = json.dumps(events)
    assert "Set-Cookie" not in told
    assert "jndi" not in told


async def test_large_and_twisted_inputs_are_refused_at_once(reading: Api) -> None:
    """Nothing that is read takes long, however it is written."""
    acme = reading.shop.id("acme")
    began = time.process_time()
    for value in ("a" * 190 + "!", "+" + "1" * 190, "0" * 200, "1e" * 90, "(" * 200):
        for path in ("accounts", "subscriptions", "invoices", "numbers", "messages", "campaigns"):
            answer = await reading.get(f"/v1/{path}/{quote(value, safe='')}")
            assert answer.status_code in (400, 404), (path, value)
        body = {"account": acme, "amount": value}
        assert (await reading.post("/v1/commands/top_up", body)).status_code == 400
        address = {"account": "m", "currency": "USD", "timezone": "UTC", "billing_email": value}
        assert (await reading.post("/v1/accounts", address)).status_code == 400
    many = {"do": "extend", "options": {"cycles": 1}, "subscriptions": ["s"] * 50_001}
    assert (await reading.post("/v1/campaigns", many)).status_code == 400
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"a": deep}
    assert (await reading.send("PUT", "/v1/policy", {"policy": deep})).status_code == 400
    entries = {"entries": [{"sku": f"S{n}", "prices": deep} for n in range(50)]}
    assert (await reading.post("/v1/catalog-entries", entries)).status_code == 400
    for limit in ("201", "1000000", "-1", "0x10", "1e3"):
        assert (await reading.get("/v1/accounts", limit=limit)).status_code == 400
    assert time.process_time() - began < 120


async def test_no_time_tells_how_much_of_a_key_is_right(reading: Api) -> None:
    """The digests are compared in constant time, and an unknown id takes as long."""
    key = reading.key()
    _, id_, secret = key.split("_", 2)
    wrong = {
        "first": f"pk_{id_}_{'A' if secret[0] != 'A' else 'B'}{secret[1:]}",
        "last": f"pk_{id_}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        "unknown": f"pk_000000000000_{secret}",
    }
    ledger, times = reading.shop.perennial.ledger, {name: list[float]() for name in wrong}
    for _ in range(150):
        for name, shown in wrong.items():
            began = time.perf_counter()
            assert api_keys.authenticate(ledger, shown, machine_now()) is None
            times[name].append(time.perf_counter() - began)
    medians = [statistics.median(found) for found in times.values()]
    assert max(medians) < 3 * min(medians)


@pytest.mark.parametrize("count", [300])
async def test_many_slow_connections_do_not_stop_others(open_api: OpenApi, count: int) -> None:
    """Connections that send a half request and wait. A caller with a key is served meanwhile."""
    async with open_api(workers=()) as api:
        app = application(api.shop.perennial)
        at = listen("api", "127.0.0.1", 0, 1)
        async with serving(app, at) as address:
            port = int(address.rpartition(":")[2])
            held = []
            for _ in range(count):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST /v1/commands/extend HTTP/1.1\r\nHost: x\r\nContent-Le")
                held.append((reader, writer))
            headers = {"Authorization": f"Bearer {api.key(Role.VIEWER)}"}
            async with httpx.AsyncClient(base_url=address, timeout=300) as client:
                answers = [await client.get("/v1/policy", headers=headers) for _ in range(5)]
            assert [answer.status_code for answer in answers] == [200] * 5
            for _, writer in held:
                writer.close()
