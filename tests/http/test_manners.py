"""The manners of the API: idempotency, problems, pages, limits, security."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog

from core.domain.commands.extend import Extend
from core.domain.roles import Role
from doors.http import bodies, subscriptions
from doors.http.edge import HEADERS
from tests.http.conftest import Api, OpenApi


def bought(api: Api, name: str = "s") -> dict[str, Any]:
    """The body of a purchase."""
    return {"subscription": api.shop.id(name), "account": api.shop.id("acme"), "sku": "PRO"}


async def test_a_key_that_is_used_again_returns_the_same_and_does_nothing(api: Api) -> None:
    """Rule 4.2."""
    first = await api.post("/v1/commands/purchase", bought(api), "order-1")
    again = await api.post("/v1/commands/purchase", bought(api), "order-1")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    account = (await api.get(f"/v1/accounts/{api.shop.id('acme')}")).json()
    assert account["balance"] == "950.00"
    found = (await api.get("/v1/requests/order-1")).json()
    assert (found["state"], found["do"]) == ("done", "purchase")
    assert found["result"] == first.json()["result"]
    assert (await api.get("/v1/requests/order-2")).json()["state"] == "open"


async def test_a_key_that_was_used_for_something_else_is_a_conflict(api: Api) -> None:
    """Rule 4.2."""
    await api.done("purchase", bought(api), request_id="order-1")
    other = await api.post("/v1/commands/purchase", bought(api) | {"quantity": 2}, "order-1")
    assert other.status_code == 409
    assert other.json()["type"] == "urn:perennial:problem:idempotency-key-used"
    assert other.json()["rule"] == "4.2"


async def test_a_request_in_flight_is_a_conflict_that_passes(api: Api) -> None:
    sent = [api.post("/v1/commands/purchase", bought(api), "order-1") for _ in range(2)]
    first, second = sorted(await asyncio.gather(*sent), key=lambda answer: answer.status_code)
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["type"] == "urn:perennial:problem:in-flight"
    assert second.headers["retry-after"] == "1"
    again = await api.post("/v1/commands/purchase", bought(api), "order-1")
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_refusal_names_its_rule_and_what_to_do(reading: Api) -> None:
    refused = await reading.post("/v1/commands/purchase", bought(reading) | {"sku": "NONE"})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert told["rule"] == "4.1"
    assert told["detail"] == "there is no SKU NONE"
    assert told["next"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"quantity": "3"}, "quantity"),
    ({"quantity": 0}, "quantity"),
    ({"quantity": True}, "quantity"),
    ({"discount": "NaN"}, "discount"),
    ({"sku": "a\x00b"}, "sku"),
    ({"subscription": "x" * 201}, "subscription"),
    ({"actor": "root"}, "actor"),
    ({"request_id": "r"}, "request_id"),
    ({"balance": "1000"}, "balance"),
    ({"account": None}, "account"),
]


async def test_a_wrong_or_unknown_field_is_named(reading: Api) -> None:
    for change, place in WRONG:
        answer = await reading.post("/v1/commands/purchase", bought(reading) | change)
        assert answer.status_code == 400, change
        told = answer.json()
        assert (told["place"], told["faults"][0]["place"]) == (place, place)
        assert told["allowed"]


BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"[]", 400),
    (b"{", 400),
    (b"\xff", 400),
    (b'{"a": 1, "a": 2}', 400),
    (b'{"a": NaN}', 400),
    (b'{"a": ' + b"1" * 5000 + b"}", 400),
    (b"[" * 100_000, 400),
    (b" " * (bodies.MOST_BYTES + 1), 413),
]


async def test_a_body_that_cannot_be_read(reading: Api) -> None:
    headers = {"Authorization": f"Bearer {reading.key()}", "Idempotency-Key": "k"}
    path = "/v1/commands/extend"
    for body, status in BODIES:
        for media_type, told in (("application/json", status), ("text/plain", 415)):
            answer = await reading.client.post(
                path, content=body, headers=headers | {"Content-Type": media_type}
            )
            assert answer.status_code == told, (body[:20], answer.text)


async def test_a_post_without_a_key_is_refused(reading: Api) -> None:
    headers = {"Authorization": f"Bearer {reading.key()}"}
    for path in ("/v1/commands/purchase", "/v1/previews/purchase"):
        answer = await reading.client.post(path, json=bought(reading), headers=headers)
        assert answer.status_code == 400
        told = answer.json()
        assert told["place"] == "Idempotency-Key"
        assert told["faults"] == [{"place": "Idempotency-Key", "reason": "is missing"}]
        assert "allowed" not in told


async def test_a_header_that_stands_twice_is_refused(reading: Api) -> None:
    """Two programs in a row would read two keys."""
    headers = [
        ("Authorization", f"Bearer {reading.key()}"),
        ("Idempotency-Key", "k1"),
        ("Idempotency-Key", "k2"),
    ]
    answer = await reading.client.post("/v1/accounts", json={"account": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["place"]) == (400, "Idempotency-Key")
    headers = [headers[0], ("If-Match", '"0"'), ("If-Match", '"1"')]
    answer = await reading.client.put("/v1/policy", json={"policy": {}}, headers=headers)
    assert (answer.status_code, answer.json()["place"]) == (400, "If-Match")


async def test_a_body_where_none_is_read_is_refused(reading: Api) -> None:
    for method, path in (
        ("GET", "/v1/policy"),
        ("PUT", "/v1/campaigns/c/pause"),
        ("DELETE", "/v1/webhooks/crm"),
        ("POST", "/v1/approvals/a/approve"),
    ):
        answer = await reading.send(method, path, {"rate": 5})
        assert (answer.status_code, answer.json()["place"]) == (400, "body"), path


async def test_another_method_is_told_the_ones_that_are_taken(reading: Api) -> None:
    paths = {"/v1/accounts": ["GET", "POST"], "/healthz": ["GET"], "/v1/openapi.json": ["GET"]}
    for path, methods in paths.items():
        answer = await reading.send("DELETE", path)
        assert (answer.status_code, answer.json()["allowed"]) == (405, methods)
        assert answer.headers["allow"] == ", ".join(methods)


async def test_a_parameter_that_is_unknown_or_stands_twice_is_named(reading: Api) -> None:
    for query in ("balance=1", "limit=5&limit=6", "limit=0", "limit=201", "limit=x", "after="):
        answer = await reading.get(f"/v1/accounts?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["place"] == query.partition("=")[0]


async def test_a_parameter_that_is_a_choice_or_a_number_says_what_is_allowed(reading: Api) -> None:
    for path, allowed in (
        ("/v1/history?sort=best", "must be 'newest' or 'oldest', not 'best'"),
        ("/v1/invoices/first", "'first' is not allowed here; allowed is a number from 1 to"),
        ("/v1/invoices/0", "must be a number from 1 to 1000000000000000, not 0"),
    ):
        answer = await reading.get(path)
        assert answer.status_code == 400, path
        assert answer.json()["allowed"].startswith(allowed)


async def test_paths_and_methods_that_do_not_exist(reading: Api) -> None:
    assert (await reading.get("/v1/nothing")).json()["type"] == "urn:perennial:problem:not-found"
    answer = await reading.get("/v1/commands/extend")
    assert answer.status_code == 405
    assert answer.json()["allowed"] == ["POST"]
    answer = await reading.send("POST", "/v1/webhooks/crm", {})
    assert answer.status_code == 405
    assert answer.json()["allowed"] == ["DELETE", "GET", "PATCH"]
    assert answer.headers["allow"] == "DELETE, GET, PATCH"


async def test_an_id_may_have_any_printable_character(api: Api) -> None:
    id_ = "a/b?c#d%20é +&"
    await api.done("purchase", bought(api) | {"subscription": id_}, request_id="order / 1")
    path = f"/v1/subscriptions/{quote(id_, safe='')}"
    assert (await api.get(path)).json()["subscription"] == id_
    assert (await api.get("/v1/requests/order%20%2F%201")).json()["state"] == "done"


async def test_pages_are_stable_while_rows_are_written(api: Api) -> None:
    for name in ("b", "d", "f"):
        await api.done("purchase", bought(api, name))
    query = {"account": api.shop.id("acme"), "limit": 2}
    first = (await api.get("/v1/work-lists/active", **query)).json()
    await api.done("purchase", bought(api, "a"))
    second = (await api.get("/v1/work-lists/active", after=first["next"], **query)).json()
    ids = [row["subscription"] for page in (first, second) for row in page["data"]]
    assert ids == [api.shop.id(name) for name in ("b", "d", "f")]
    assert second["next"] is None
    seen, after = [], None
    while True:
        cursor = {} if after is None else {"after": after}
        page = (await api.get("/v1/transactions", **query, **cursor)).json()
        seen += [row["position"] for row in page["data"]]
        if (after := page["next"]) is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5  # the opening and four purchases


async def test_the_live_state_says_who_tells_it(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "QUERY_SECONDS", 300.0)
    async with open_api() as api:
        s = await api.shop.buy()
        told = (await api.get(f"/v1/states/{s}")).json()
        assert told["source"] == "workflow"
    assert told["state"]["subscription"]["status"] == "ACTIVE"
    monkeypatch.setattr(subscriptions, "QUERY_SECONDS", 0.01)
    async with open_api(workers=()) as api:
        again = (await api.get(f"/v1/states/{s}")).json()
    assert again["source"] == "database"
    assert again["state"] == told["state"]
    assert again["as_of"] > told["as_of"]


@pytest.mark.waits
async def test_a_workflow_that_does_not_tell_in_time_is_asked_later(open_api: OpenApi) -> None:
    async with open_api(api_patience_seconds=3, workers=()) as api:
        s = await api.shop.buy()
        body = {"subscription": s, "cycles": 1}
        with structlog.testing.capture_logs() as events:
            answer = await api.post("/v1/commands/extend", body, "later / 1")
        assert answer.status_code == 202
        [event] = [event for event in events if event["event"] == "http_request"]
        assert str(event["status"]) == "202"
        assert answer.headers["location"] == answer.json()["poll"] == "/v1/requests/later%20%2F%201"
        assert (await api.get(answer.json()["poll"])).json()["state"] == "open"
        async with api.shop.working("workflows", "activities"):
            command = Extend(subscription=s, cycles=1, request_id="later / 1")
            done = await api.shop.perennial.do(command)
        assert done.result is not None
        assert (await api.get(answer.json()["poll"])).json()["result"] == done.result.data()


async def test_a_preview_does_nothing(reading: Api) -> None:
    path = f"/v1/accounts/{reading.shop.id('acme')}"
    before = (await reading.get(path)).json()
    preview = (await reading.post("/v1/previews/purchase", bought(reading))).json()
    assert preview["after"]["usable"] == "950.00"
    assert preview["result"]["amount"] == "50.00"
    assert (await reading.get(path)).json() == before
    refused = await reading.post("/v1/previews/purchase", bought(reading) | {"sku": "NONE"})
    assert refused.json()["refusal"]["rule"] == "4.1"


async def test_a_key_may_send_so_many_requests(open_api: OpenApi) -> None:
    async with open_api(api_requests_per_second=0.5, workers=()) as api:
        assert (await api.get("/v1/policy")).status_code == 200
        answer = await api.get("/v1/policy")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) in (1, 2)
        assert (await api.get("/v1/policy", Role.VIEWER)).status_code == 200


async def test_the_history_names_the_key(api: Api) -> None:
    await api.done("purchase", bought(api), role=Role.PLATFORM)
    history = (await api.get("/v1/history", subscription=api.shop.id("s"))).json()["data"]
    id_ = api.key(Role.PLATFORM).split("_")[1]
    assert {line["actor"] for line in history} == {f"platform of main (key {id_})"}


async def test_the_token_of_a_card_is_not_told(reading: Api) -> None:
    await reading.shop.account("card", card="sim_ok")
    answer = await reading.get(f"/v1/accounts/{reading.shop.id('card')}")
    assert answer.json()["card"] == "stored"
    assert "sim_ok" not in answer.text


async def test_every_response_has_the_headers_of_security(reading: Api) -> None:
    answers = [
        await reading.get("/v1/policy"),
        await reading.get("/v1/nothing"),
        await reading.client.get("/healthz"),
        await reading.client.get("/v1/policy"),
    ]
    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items() | {
            (name, answer.headers[name]) for name in HEADERS
        }
        assert len(answer.headers["request-id"]) == 16


async def test_an_error_of_its_own_shows_nothing_of_the_inside(
    reading: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret of postgresql://user:hunter2@host")

    monkeypatch.setattr("doors.http.accounts.find_account", broken)
    with structlog.testing.capture_logs() as events:
        answer = await reading.get("/v1/accounts/acme")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text + json.dumps(events)
    assert "Traceback" not in answer.text
    assert [event["event"] for event in events] == ["http_error", "http_request"]


async def test_an_access_is_an_event_without_secrets(reading: Api) -> None:
    with structlog.testing.capture_logs() as events:
        await reading.post("/v1/commands/purchase", bought(reading) | {"sku": "hunter2\n"})
    [event] = [event for event in events if event["event"] == "http_request"]
    assert (event["operation"], event["status"], event["seller"]) == ("purchase", 400, "main")
    secret = reading.key().split("_", 2)[2]
    assert secret not in json.dumps(events)
    assert "hunter2" not in json.dumps(events)


async def test_a_slow_body_is_not_waited_for(reading: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)

    async def slowly() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    headers = {
        "Authorization": f"Bearer {reading.key()}",
        "Idempotency-Key": "k",
        "Content-Type": "application/json",
    }
    answer: httpx.Response = await reading.client.post(
        "/v1/commands/extend", content=slowly(), headers=headers
    )
    assert answer.status_code == 408
