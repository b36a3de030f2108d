"""The description of the API is the file in docs/, and it says what the endpoints do."""

import json
from typing import Any

import httpx
import jsonschema
import pytest

from core.domain.commands import COMMANDS
from doors.http.application import application
from doors.http.command_bodies import body_schema
from doors.http.description import FILE, as_text, describe
from tests.http.conftest import Api
from tests.http.test_access import body_of

DOCUMENT = describe(application())
ELSEWHERE = {
    "/v1/webhook-tests": "it sends a message to the address of the example",
    "/v1/import-undos": "it needs an import, which tests/http/test_imports.py makes",
}
"""Examples that are not carried out here, and why."""
ANEW = {
    "/v1/campaign-previews": "it changes nothing",
    "/v1/what-ifs": "it changes nothing",
    "/v1/terms-effects": "it tells how far it is",
    "/v1/usage-batches": "each of its rows has a key",
}
"""Requests whose response is made anew when they are sent again, and why."""
OTHERS: dict[str, dict[str, Any]] = {
    "/v1/accounts": {"currency": "EUR"},
    "/v1/clocks": {"now": "2022-01-01T00:00:00Z"},
    "/v1/catalog-entries": {"entries": [{"sku": "OTHER"}]},
    "/v1/campaigns": {"options": {"cycles": 2}},
    "/v1/webhooks": {"name": "other"},
    "/v1/webhook-secrets": {"keep_old_hours": 1},
    "/v1/message-resends": {"failed_of": "other"},
    "/v1/seller-top-ups": {"amount": "1.00"},
    "/v1/tax-rates": {"percent": "7"},
}
"""What makes another request of an example."""


def test_the_file_is_what_the_endpoints_say() -> None:
    """`make openapi` writes it anew."""
    assert FILE.read_text() == as_text(DOCUMENT)


@pytest.mark.parametrize("do", COMMANDS)
def test_a_body_that_can_be_read_is_one_by_its_schema(do: str) -> None:
    schema = body_schema(COMMANDS[do])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(body_of(do), schema, cls=jsonschema.Draft202012Validator)


async def test_the_example_of_each_command_is_carried_out(reading: Api) -> None:
    """Each has an effect or a refusal by a rule, on a shop that has none of its ids."""
    for do in COMMANDS:
        body = DOCUMENT["paths"][f"/v1/commands/{do}"]["post"]["requestBody"]["content"]
        example = body["application/json"]["examples"]["usual"]["value"]
        schema = body_schema(COMMANDS[do])
        jsonschema.validate(example, schema, cls=jsonschema.Draft202012Validator)
        previewed = await reading.post(f"/v1/previews/{do}", example)
        assert previewed.status_code == 200, (do, previewed.text)
        assert previewed.json()["refusal"]["rule"], do


async def repeated(
    api: Api,
    path: str,
    body: dict[str, Any],
    change: dict[str, Any],
    headers: dict[str, str],
    first: httpx.Response,
) -> None:
    """Check Rule 4.2: the same again has the same bytes, and another request is a conflict."""
    again = await api.send("POST", path, body, headers=headers)
    assert (again.content, again.status_code) == (first.content, first.status_code), path
    assert again.headers["idempotent-replayed"] == "true", path
    other = await api.send("POST", path, body | change, headers=headers)
    assert other.status_code == 409, (path, other.text)
    assert other.json()["type"] == "urn:perennial:problem:idempotency-key-used"


async def test_the_example_of_each_other_request_is_carried_out(api: Api) -> None:
    """The examples in the order in which a seller would send them. None is a wrong input."""
    acme, s = api.shop.id("acme"), await api.shop.buy()
    etag = (await api.get("/v1/policy")).headers["etag"]
    paths = {"/v1/campaigns/{campaign}/rate": None, "/v1/webhooks/{name}": "/v1/webhooks/crm"}
    paths["/v1/clocks/{clock}"] = "/v1/clocks/spring"
    tried = 0
    for path, methods in DOCUMENT["paths"].items():
        for method, about in methods.items():
            body = about.get("requestBody", {}).get("content", {}).get("application/json", {})
            if method == "get" or not body or "/commands/" in path or "/previews/" in path:
                continue
            if path in ELSEWHERE:
                continue
            text = json.dumps(body["examples"]["usual"]["value"])
            example = json.loads(text.replace('"acme"', f'"{acme}"').replace('"s1"', f'"{s}"'))
            here = paths.get(path, path)
            if here is None:
                campaign = (await api.get("/v1/campaigns")).json()["data"][0]["campaign"]
                here = path.format(campaign=campaign)
            if method == "patch":
                etag = (await api.get(here)).headers.get("etag", etag)
            headers = {"Idempotency-Key": f"k-{tried}", "If-Match": etag}
            if path == "/v1/catalog-entries":
                headers.pop("If-Match")
            answer = await api.send(method.upper(), here, example, headers=headers)
            assert answer.status_code in (200, 201, 202), (method, path, answer.text)
            if method == "post" and path not in ANEW:
                await repeated(api, here, example, OTHERS[path], headers, answer)
            tried += 1
    assert tried > 10


def checked(path: str, method: str, response: Any) -> None:
    """Check a response against the description."""
    responses = DOCUMENT["paths"][path][method]["responses"]
    told = responses.get(str(response.status_code)) or responses[f"{response.status_code // 100}XX"]
    [content] = told["content"].values()
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    jsonschema.validate(response.json(), schema, cls=jsonschema.Draft202012Validator)


async def test_responses_are_what_the_description_says(api: Api) -> None:
    acme, s = api.shop.id("acme"), await api.shop.buy()
    await api.shop.try_out()
    paths = {
        "/v1/accounts": {"test_clocks": "true"},
        "/v1/accounts/{account}": {},
        "/v1/subscriptions/{subscription}": {},
        "/v1/states/{subscription}": {},
        "/v1/explanations/{subscription}": {},
        "/v1/work-lists/{which}": {"account": acme},
        "/v1/history": {"account": acme},
        "/v1/transactions": {"account": acme},
        "/v1/statements": {"account": acme, "from": "2021-01-01", "to": "2021-01-31"},
        "/v1/forecasts": {"account": acme, "months": 12},
        "/v1/numbers": {},
        "/v1/campaigns": {},
        "/v1/catalog": {},
        "/v1/policy": {},
        "/v1/reports/{report}": {"from": "2021-01-01", "to": "2021-03-01", "test_clocks": "true"},
        "/v1/requests/{request_id}": {},
    }
    ids = {"account": acme, "subscription": s, "which": "active", "report": "fees"}
    ids["request_id"] = api.shop.id("buy-s")
    for path, query in paths.items():
        response = await api.get(path.format(**ids), **query)
        assert response.status_code == 200, response.text
        checked(path, "get", response)
    for do in ("extend", "purchase", "top_up", "terminate"):
        body = body_of(do) | {
            name: value
            for name, value in {"account": acme, "subscription": s, "sku": "PRO"}.items()
            if name in body_schema(COMMANDS[do])["properties"]
        }
        for kind in ("previews", "commands"):
            path = f"/v1/{kind}/{do}"
            checked(path, "post", await api.post(path, body))
    json.dumps(DOCUMENT)
