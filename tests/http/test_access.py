"""Every endpoint, every role, two sellers: who may do what, and what a seller does not see."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute

from core.domain.commands import COMMANDS
from core.domain.roles import Role
from core.ledger import api_keys
from core.ledger.clocks import machine_now
from doors.access import operations
from doors.application.plain_data import data
from doors.http.application import PARTS, application
from doors.http.command_bodies import values_of
from tests.domain.test_every_command import value_of
from tests.http.conftest import Api

OPEN_TO_ALL = {"/v1/openapi.json", "/healthz"}
"""The paths that need no key: they tell nothing of a seller."""

QUERIES: dict[str, dict[str, Any]] = {
    "list_transactions": {"account": "x"},
    "show_statement": {"account": "x", "from": "2021-01-01", "to": "2021-01-31"},
    "show_statement_file": {"account": "x", "from": "2021-01-01", "to": "2021-01-31"},
    "export_transactions": {"account": "x"},
    "forecast": {"account": "x"},
    "list_history": {"account": "x"},
    "list_invoices": {"account": "x"},
    "list_receipts": {"account": "x"},
    "show_report": {"from": "2021-01-01", "to": "2021-01-01"},
}


REPEATING = {"show_request", "show_import"}
"""The operations that tell the idempotency key that they were asked for."""
STREAMS = {"stream_events"}
"""The operations that do not end by themselves. tests/http/test_events.py tries them."""


def endpoints() -> Iterator[APIRoute]:
    """Every endpoint of the API."""
    for part in PARTS:
        yield from part.endpoints()


def operation_of(route: APIRoute) -> str:
    """The operation of an endpoint."""
    operation: str = (route.openapi_extra or {})["x-operation"]
    return operation


def path_of(route: APIRoute) -> str:
    """A path of an endpoint, with ids that do not exist."""
    path = route.path_format
    known = {
        "which": "active",
        "report": "books",
        "number": "+6561234567",
        "format": "pdf",
        "control": "pause",
        "invoice": "1",
        "receipt": "1",
        "message": "1",
        "version": "1",
    }
    for name in route.dependant.path_params:
        path = path.replace(f"{{{name.alias}}}", known.get(name.alias, "x"))
    return path


def body_of(do: str) -> dict[str, Any]:
    """A body of an operation that can be read: of a command, or the example of another one."""
    if do not in COMMANDS:
        return BODIES.get(do, {})
    command = COMMANDS[do]
    fields = {f.name: f for f in values_of(command) if f.required}
    for name in (*command.exactly_one[:1], *command.at_least_one[:1]):
        fields |= {f.name: f for f in values_of(command) if f.name == name}
    values: dict[str, Any] = data({name: value_of(f.kind) for name, f in fields.items()})
    return values


def _example(route: APIRoute) -> dict[str, Any]:
    body = (route.openapi_extra or {}).get("requestBody", {"content": {}})
    examples = body["content"].get("application/json", {}).get("examples", {})
    value: dict[str, Any] = examples.get("usual", {"value": {}})["value"]
    return value


BODIES = {
    operation_of(route): _example(route)
    for route in endpoints()
    if operation_of(route) not in COMMANDS
}
"""The example of each operation that is no command."""


def test_every_path_but_two_is_checked() -> None:
    app = application()
    made = [route for route in app.routes if isinstance(route, APIRoute)]
    assert app.state.endpoints == list(endpoints())
    assert made[: -len(OPEN_TO_ALL)] == app.state.endpoints
    assert {route.path for route in made[-len(OPEN_TO_ALL) :]} == OPEN_TO_ALL
    for route in endpoints():
        checks = [d.dependency.__qualname__ for d in route.dependencies if d.dependency]
        assert checks[0].startswith("checked."), route.path


def test_every_operation_of_the_table_has_an_endpoint() -> None:
    of_keys = set(operations.ROLES) - set(operations.OF_CONSOLE)
    assert {operation_of(route) for route in endpoints()} == of_keys


def test_an_admin_may_do_everything_and_a_viewer_changes_nothing() -> None:
    for operation, roles in operations.ROLES.items():
        assert Role.ADMIN in roles
        assert Role.VIEWER not in roles or operation in operations.READS


async def test_the_table_of_roles_is_what_the_endpoints_do(api: Api) -> None:
    """The table is walked completely: every endpoint with every role."""
    for route in endpoints():
        operation = operation_of(route)
        for role in [] if operation in STREAMS else Role:
            [method] = route.methods
            if method == "GET":
                answer = await api.get(path_of(route), role, **QUERIES.get(operation, {}))
            elif method == "POST":
                answer = await api.post(path_of(route), body_of(operation), role=role)
            else:
                answer = await api.send(method, path_of(route), body_of(operation), role)
            if operations.may(role, operation):
                assert answer.status_code not in (401, 403), (operation, role, answer.text)
                assert answer.status_code < 500, (operation, role, answer.text)
            else:
                assert answer.status_code == 403, (operation, role)
                assert answer.json()["allowed"] == sorted(operations.ROLES[operation])


HEADERS = [
    None,
    "",
    "Bearer",
    "Bearer x",
    "Basic eDp4",
    "Bearer pk_000000000000_" + "A" * 43,
    "Bearer pk_000000000000_" + "A" * 5000,
]


async def test_without_a_key_nothing_is_told(reading: Api) -> None:
    for header in HEADERS:
        headers = {} if header is None else {"Authorization": header}
        for route in endpoints():
            [method] = route.methods
            answer = await reading.client.request(method, path_of(route), headers=headers)
            assert answer.status_code == 401, route.path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["type"] == "urn:perennial:problem:no-key"


async def test_another_seller_sees_and_changes_nothing(api: Api) -> None:
    """Every endpoint answers a key of another seller as if the ids did not exist."""
    shop = api.shop
    acme, s = shop.id("acme"), await shop.buy()
    before = await _everything(api, acme, s)
    for route in endpoints():
        operation = operation_of(route)
        if operation in {*STREAMS, "list_audit", "explain_refusals"}:
            continue  # A seller is told what its own callers have asked, whatever they named.
        if "GET" in route.methods:
            query = dict(QUERIES.get(operation, {}))
            here = await _get(api, route, query, acme, s)
            gone = await _get(api, route, query, "no-account", "no-subscription")
            told = here.text.replace(acme, "no-account").replace(s, "no-subscription")
            assert here.status_code == gone.status_code, route.path
            if here.status_code == 200 and operation not in REPEATING:
                assert s not in here.text.replace(f"/{s}", ""), route.path
            assert _told(told) == _told(gone.text), route.path
            continue
        if operation not in COMMANDS:
            continue  # tests/http/test_other_sellers.py tries their ids.
        mine, theirs = (
            {**body_of(operation), **_ids(operation, account, subscription)}
            for account, subscription in ((acme, s), ("no-account", "no-subscription"))
        )
        here = await api.post(route.path, mine, seller="other")
        gone = await api.post(route.path, theirs, seller="other")
        told = here.text.replace(acme, "no-account").replace(s, "no-subscription")
        assert here.status_code == gone.status_code, (route.path, here.text, gone.text)
        assert _told(told) == _told(gone.text), route.path
    assert await _everything(api, acme, s) == before


def _ids(do: str, account: str, subscription: str) -> dict[str, str]:
    named = {field.name for field in values_of(COMMANDS[do])}
    ids = {"account": account, "subscription": subscription}
    if do == "transfer":
        ids["to"] = account
    return {name: value for name, value in ids.items() if name in named}


async def _get(api: Api, route: APIRoute, query: dict[str, Any], account: str, sub: str) -> Any:
    path = path_of(route)
    if path.endswith("/x"):
        path = path[:-1] + (account if "account" in route.path else sub)
    if "account" in query:
        query = query | {"account": account}
    return await api.get(path, seller="other", **query)


def _told(text: str) -> list[str]:
    document = json.loads(text)
    for name in ("instance", "as_of", "request_id"):
        document.pop(name, None)
    return sorted(f"{name}={value}" for name, value in document.items())


async def _everything(api: Api, account: str, subscription: str) -> list[Any]:
    paths = (
        f"/v1/accounts/{account}",
        f"/v1/subscriptions/{subscription}",
        f"/v1/history?account={account}",
        f"/v1/transactions?account={account}",
    )
    return [(await api.get(path)).json() for path in paths]


async def test_a_key_is_narrowed_to_its_scopes(reading: Api) -> None:
    with reading.shop.perennial.ledger.engine.begin() as connection:
        reading.keys["viewer of main"] = api_keys.create(
            connection,
            "main",
            "bot",
            Role.VIEWER,
            now=machine_now(),
            actor="test",
            scopes=["show_policy", "adjust"],
        )
    assert (await reading.get("/v1/policy", Role.VIEWER)).status_code == 200
    for path, method in (("/v1/catalog", "get"), ("/v1/commands/adjust", "post")):
        if method == "get":
            answer = await reading.get(path, Role.VIEWER)
            assert answer.json()["allowed"] == ["adjust", "show_policy"]
        else:
            answer = await reading.post(path, {}, role=Role.VIEWER)
        assert answer.status_code == 403, path
