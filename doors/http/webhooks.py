"""Webhook endpoints: added, changed, tested, removed, with their secrets (docs/webhooks.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from core.domain.deliveries import OLD_SECRET_HOURS
from core.domain.endpoints import Sealed, chosen, read_event, read_url
from core.domain.events import Event
from core.domain.faults import Fault, Faults
from core.domain.inputs import LONGEST_TEXT
from core.gateways.webhook_secrets import SecretKeys, UnknownKey
from core.ledger import endpoints
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application.webhook_tests import send_test, subject_of
from doors.http import etags
from doors.http.callers import Caller, Calling
from doors.http.etags import IfMatch
from doors.http.forms import Field, Form, flag, id_, listed, whole
from doors.http.once import in_transaction, once, told
from doors.http.pages import Listed
from doors.http.parameters import IdempotencyKey, PathId
from doors.http.problems import Kind, Problem, later
from doors.http.routes import Answer, Routes, place_of
from doors.queries.deliveries import EndpointLine, find_endpoint, list_endpoints
from settings import keys_of

_SET_SECONDS = 60
"""After so long it is worth a look whether a missing key was set."""
LONGEST_OVERLAP = 720
"""Hours for which an old secret signs beside the new one, at most."""

_EVENTS = listed(
    "Only these events. An empty list means all. Default of a new endpoint: all.",
    read_event,
    {"type": "string", "enum": [str(event) for event in Event]},
    len(Event),
    least=0,
)
_TEST_CLOCKS = flag("Whether it also gets events of accounts on test clocks.")


def _url(*, required: bool) -> Field:
    schema = {"type": "string", "format": "uri", "maxLength": LONGEST_TEXT}
    return Field(read_url, {**schema, "description": "Where messages go: https."}, required)


ADD = Form(
    "NewWebhook",
    {
        "name": id_("Its name.", required=True),
        "url": _url(required=True),
        "events": _EVENTS,
        "test_clocks": _TEST_CLOCKS,
    },
    example={
        "name": "crm",
        "url": "https://example.com/perennial",
        "events": [str(Event.RENEWED), str(Event.RENEWAL_FAILED)],
    },
)
CHANGE = Form(
    "WebhookChange",
    {
        "url": _url(required=False),
        "events": _EVENTS,
        "test_clocks": _TEST_CLOCKS,
        "on": flag("false switches it off: what waits for it is not sent. true tries it at once."),
    },
    example={"on": False},
    at_least_one=("url", "events", "test_clocks", "on"),
)
ROTATE = Form(
    "WebhookSecretChange",
    {
        "name": id_("The name of the endpoint.", required=True),
        "keep_old_hours": whole(
            f"How long the old secret signs as well. Default {OLD_SECRET_HOURS}.",
            0,
            LONGEST_OVERLAP,
        ),
    },
    example={"name": "crm", "keep_old_hours": 48},
)
TEST = Form(
    "WebhookTest",
    {"name": id_("The name of the endpoint.", required=True)},
    example={"name": "crm"},
)

routes = Routes("webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """The secret of an endpoint, which signs its messages. It is told by this response only.

    `old_secret_until`: until when (UTC) the secret before signs as well. None for a new endpoint.
    """

    name: str
    secret: str
    old_secret_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAnswer:
    """What came of a test message. `error` is None when the endpoint has taken it."""

    name: str
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was removed."""

    name: str


@routes.get("/webhooks", "list_webhooks", Listed[EndpointLine])
async def webhooks(caller: Calling) -> Listed[EndpointLine]:
    """The endpoints, how they do, and what waits for them. A seller has ten at most."""
    return Listed(data=await caller.read(list_endpoints), next=None)


@routes.write("POST", "/webhooks", "add_webhook", NewSecret, ADD, 201)
async def add_webhook(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Add an endpoint, and get the secret that signs its messages (Rule 12).

    It gets what is committed from now on. The secret can be asked for again with the same key only.
    """
    values = await ADD.of(request)
    _require_https(caller, values)
    keys = _keys(caller)

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        sealed = keys.new()
        endpoints.add(
            connection,
            ledger.seller,
            values["name"],
            url=values["url"],
            events=chosen(values.get("events", [])),
            test_clocks=values.get("test_clocks", False),
            sealed=sealed,
            now=machine_now(),
            actor=caller.actor,
        )
        return {"name": values["name"], "sealed": [sealed.key, sealed.salt]}

    done = await once(caller, key, "add_webhook", values, act, about=subject_of(values["name"]))
    place = place_of("webhooks", values["name"])
    return told(done, _secret(keys, done.document), 201, Location=place)


@routes.get("/webhooks/{name:path}", "show_webhook", EndpointLine, etag=True)
async def show_webhook(caller: Calling, name: PathId) -> Answer:
    """One endpoint. `ETag` changes with its address, its events, its secret and its switch."""
    found = await caller.read(find_endpoint, name)
    return Answer(found, headers={"ETag": await caller.read(_etag, name)})


@routes.write("PATCH", "/webhooks/{name:path}", "change_webhook", EndpointLine, CHANGE, etag=True)
async def change_webhook(
    caller: Calling, request: Request, name: PathId, if_match: IfMatch = None
) -> Answer:
    """Change an endpoint, or switch it on or off. What is not named stays. It needs `If-Match`."""
    values = await CHANGE.of(request)
    _require_https(caller, values)
    seen = etags.require(if_match)
    if "events" in values:
        values["events"] = chosen(values["events"])
    await caller.read(find_endpoint, name)

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        row = endpoints.find(connection, ledger.seller, name, lock=True)
        now = {"url": row.url, "events": row.events, "test_clocks": row.test_clocks}
        now["on"] = row.off_at is None
        same = all(now[name] == value for name, value in values.items())
        etags.require_same(seen, etag_of_endpoint(row), as_asked=same)
        endpoints.change(connection, row, values, machine_now(), f"by {caller.actor}")
        return {}

    await in_transaction(
        caller, "webhook_change", act, record="change_webhook", about=subject_of(name)
    )
    found = await caller.read(find_endpoint, name)
    return Answer(found, headers={"ETag": await caller.read(_etag, name)})


@routes.write("DELETE", "/webhooks/{name:path}", "remove_webhook", Removed)
async def remove_webhook(caller: Calling, name: PathId) -> Removed:
    """Remove an endpoint. What waits for it is not sent. Its messages can still be read."""
    await caller.read(find_endpoint, name)

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        endpoints.remove(connection, ledger.seller, name, machine_now())
        return {}

    await in_transaction(
        caller, "webhook_remove", act, record="remove_webhook", about=subject_of(name)
    )
    return Removed(name=name)


@routes.write("POST", "/webhook-secrets", "rotate_webhook_secret", NewSecret, ROTATE, 201)
async def rotate(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Give an endpoint another secret. For some hours, messages are signed with both."""
    values = await ROTATE.of(request)
    name, hours = values["name"], values.get("keep_old_hours", OLD_SECRET_HOURS)
    await caller.read(find_endpoint, name)
    keys = _keys(caller)

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        sealed, now, old_for = keys.new(), machine_now(), timedelta(hours=hours)
        endpoints.rotate(connection, ledger.seller, name, sealed, now, old_for)
        until = (now + old_for).isoformat()
        return {"name": name, "sealed": [sealed.key, sealed.salt], "old_secret_until": until}

    done = await once(caller, key, "rotate_webhook_secret", values, act, about=subject_of(name))
    return told(done, _secret(keys, done.document), 201)


@routes.write("POST", "/webhook-tests", "test_webhook", TestAnswer, TEST)
async def test_webhook(caller: Calling, request: Request, key: IdempotencyKey) -> TestAnswer:
    """Send a signed test message at once, and tell the response. Each request sends one."""
    name = (await TEST.of(request))["name"]
    await caller.read(find_endpoint, name)
    perennial = caller.perennial
    with caller.in_flight.only(caller.seller, key):
        try:
            answer = await send_test(
                perennial.ledger, perennial.patience, perennial.config, _keys(caller), name
            )
        except UnknownKey as error:
            raise _no_key(str(error)) from None
    return TestAnswer(name=name, status=answer.status, error=answer.error)


def _keys(caller: Caller) -> SecretKeys:
    config = caller.perennial.config
    if config.webhook_keys is None:
        raise _no_key("no key for the secrets of webhooks is set (PERENNIAL_WEBHOOK_KEYS)")
    return SecretKeys(keys_of(config.webhook_keys))


def _no_key(detail: str) -> Problem:
    return later(Kind.UNAVAILABLE, detail, _SET_SECONDS)


def _secret(keys: SecretKeys, document: Mapping[str, Any]) -> NewSecret:
    try:
        secret = keys.secret(Sealed(*document["sealed"]))
    except UnknownKey as error:
        raise _no_key(str(error)) from None
    until = document.get("old_secret_until")
    return NewSecret(
        name=document["name"],
        secret=secret,
        old_secret_until=None if until is None else datetime.fromisoformat(until),
    )


def _require_https(caller: Caller, values: Mapping[str, Any]) -> None:
    if values.get("url", "").startswith("http:") and not caller.perennial.config.webhook_private:
        raise Faults([Fault("url", "http is not allowed; use https")])


def _etag(ledger: Ledger, name: str) -> str:
    with ledger.read() as connection:
        return etag_of_endpoint(endpoints.find(connection, ledger.seller, name))


def etag_of_endpoint(row: Any) -> str:
    """What an endpoint is now. `row`: of the table. It changes with all that a person sets."""
    return etags.etag_of([row.id, row.url, row.events, row.test_clocks, row.off_at, row.salt])
