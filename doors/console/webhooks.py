"""Endpoints of webhooks, and their deliveries: added, changed, tested (docs/webhooks.md)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from sqlalchemy import Connection
from starlette.responses import Response

from core.domain import inputs
from core.domain.acts import Act
from core.domain.deliveries import OLD_SECRET_HOURS, DeliveryState
from core.domain.endpoints import Sealed, chosen, read_event, read_url
from core.domain.events import Event
from core.domain.faults import Fault
from core.domain.inputs import LONGEST_TEXT, read_at
from core.domain.refusal import Refused
from core.gateways.webhook_secrets import SecretKeys, UnknownKey
from core.ledger import audit, deliveries, endpoints
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.access.staff import StaffCaller
from doors.application.webhook_tests import send_test, subject_of
from doors.console.errors import Trouble
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see, shown_once
from doors.console.parameters import BLANK, ROWS, AfterPosition, PathId
from doors.console.rendering import path_of
from doors.console.terms_changes import new_request_id, put_once, request_id_of
from doors.console.visitors import Visiting, change
from doors.http.messages import MOST_FAILED
from doors.http.pages import Listed, page_of
from doors.http.webhooks import LONGEST_OVERLAP, etag_of_endpoint
from doors.queries.deliveries import MessageLine, find_endpoint, list_endpoints, list_messages
from settings import keys_of

pages = Pages()

OVERLAPS = (
    (OLD_SECRET_HOURS, f"for {OLD_SECRET_HOURS} hours"),
    (168, "for 7 days"),
    (0, "no longer"),
)
"""How long the secret before still signs: hours, and in words."""
EVENT = "event-"
"""How the name of the field of an event begins."""
SEEN = "seen"
"""The field that holds the endpoint as the page has shown it."""
_PATH = "/webhooks"
_KEEP = "Set it at the program that gets the messages, which checks their signatures with it."

STATES = tuple(state for state in DeliveryState if state is not DeliveryState.DROPPED)
"""What becomes of a message to a webhook. Only e-mails are dropped."""
State = Annotated[DeliveryState | None, BLANK]


class _Changed(Exception):
    """The endpoint is no longer as the page has shown it."""


@pages.get("/webhooks", "list_webhooks")
async def listed(visitor: Visiting) -> Page:
    """The endpoints of webhooks, how each does, and the form of a new one."""
    return await _listed(visitor, {})


async def _listed(
    visitor: StaffCaller,
    typed: Mapping[str, str],
    faults: tuple[Fault, ...] = (),
    refused: str | None = None,
) -> Page:
    shows = {
        "lines": await visitor.read(list_endpoints),
        "typed": typed,
        "faults": _by_place(faults),
        "refused": refused,
        "request_id": new_request_id(),
        **_fields(typed),
    }
    status = 422 if refused else 400 if faults else 200
    return Page(template="webhooks.html", shows=shows, status=status)


@pages.get("/webhooks/{name:path}", "list_messages")
async def endpoint(
    visitor: Visiting, name: PathId, state: State = None, after: AfterPosition = None
) -> Page:
    """An endpoint, what can be changed, and its deliveries, the newest first."""
    return await _one(visitor, name, state=state if state in STATES else None, after=after)


async def _one(
    visitor: StaffCaller,
    name: str,
    *,
    state: DeliveryState | None = None,
    after: int | None = None,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    status: int = 200,
    **shows: Any,
) -> Page:
    """The page of an endpoint. `typed`: a form that was not taken. `shows`: what was just done."""

    def read(ledger: Ledger) -> Listed[MessageLine]:
        found = list_messages(ledger, endpoint=name, state=state, before=after, most=ROWS + 1)
        return page_of(iter(found), ROWS, lambda it: it.id)

    line = await visitor.read(find_endpoint, name)
    in_force = {"url": line.url} | {f"{EVENT}{event}": "on" for event in line.events or ()}
    if line.test_clocks:
        in_force["test_clocks"] = "on"
    shared = {
        "it": line,
        "page": await visitor.read(read),
        "state_chosen": state,
        "states": STATES,
        "seen": await visitor.read(_seen, name),
        "typed": in_force if typed is None else typed,
        "faults": _by_place(faults),
        "overlaps": OVERLAPS,
        "most_failed": MOST_FAILED,
        "request_id": new_request_id(),
        "now": machine_now(),
        "changed": False,
        "tested": None,
        "again": None,
        **_fields(in_force if typed is None else typed),
    }
    return Page(template="webhook.html", shows=shared | shows, status=status)


@pages.post("/webhook-add", "add_webhook")
async def add(visitor: Visiting, sent: Sent) -> Page:
    """Add an endpoint, whose secret this page alone shows. A form adds one."""
    faults = list[Fault]()
    name = read_at("name", sent.get("name", "").strip(), inputs.read_id, faults)
    values = _values(visitor, sent, faults)
    if faults or name is None:
        return await _listed(visitor, sent, tuple(faults))
    keys, about = _keys(visitor), name

    def act(connection: Connection, seller: str) -> dict[str, Any]:
        sealed = keys.new()
        endpoints.add(
            connection,
            seller,
            about,
            **values,
            sealed=sealed,
            now=machine_now(),
            actor=visitor.actor,
        )
        audit.add(connection, seller, "add_webhook", subject=subject_of(about))
        return {"sealed": [sealed.key, sealed.salt]}

    try:
        asked = {"name": name, **values}
        done = await put_once(visitor, "add_webhook", request_id_of(sent), asked, act)
    except Refused as error:
        return await _listed(visitor, sent, refused=str(error.refusal))
    told = f"Endpoint {name} is added. It gets what happens from now on."
    return _secret(told, keys, done, name)


@pages.post("/webhook-change/{name:path}", "change_webhook")
async def change_endpoint(visitor: Visiting, sent: Sent, name: PathId) -> Response | Page:
    """Change the address and the events of an endpoint."""
    await visitor.read(find_endpoint, name)
    faults = list[Fault]()
    values = _values(visitor, sent, faults)
    if faults:
        return await _one(visitor, name, typed=sent, faults=tuple(faults), status=400)
    try:
        await _change(visitor, name, values, sent.get(SEEN, ""))
    except _Changed:
        return await _one(visitor, name, typed=sent, status=409, changed=True)
    return see(path_of("webhooks", name))


@pages.post("/webhook-on/{name:path}", "change_webhook")
async def switch_on(visitor: Visiting, name: PathId) -> Response:
    """Let an endpoint get messages, and try it at once."""
    await visitor.read(find_endpoint, name)
    await _change(visitor, name, {"on": True})
    return see(path_of("webhooks", name))


@pages.post("/webhook-off/{name:path}", "change_webhook")
async def switch_off(visitor: Visiting, name: PathId) -> Response:
    """Switch an endpoint off. What waits for it is not sent."""
    await visitor.read(find_endpoint, name)
    await _change(visitor, name, {"on": False})
    return see(path_of("webhooks", name))


@pages.post("/webhook-rotate/{name:path}", "rotate_webhook_secret")
async def rotate(visitor: Visiting, sent: Sent, name: PathId) -> Page:
    """Give an endpoint another secret, which this page alone shows. For a while both sign."""
    await visitor.read(find_endpoint, name)
    hours = inputs.required(
        "overlap",
        sent.get("overlap", ""),
        lambda it: inputs.read_whole_text(it, 0, LONGEST_OVERLAP),
    )
    keys = _keys(visitor)

    def act(connection: Connection, seller: str) -> dict[str, Any]:
        sealed, now, old_for = keys.new(), machine_now(), timedelta(hours=hours)
        endpoints.rotate(connection, seller, name, sealed, now, old_for)
        audit.add(connection, seller, "rotate_webhook_secret", subject=subject_of(name))
        return {"sealed": [sealed.key, sealed.salt], "until": (now + old_for).isoformat()}

    asked = {"name": name, "hours": hours}
    done = await put_once(visitor, "rotate_webhook_secret", request_id_of(sent), asked, act)
    until = datetime.fromisoformat(done["until"])
    old = f"The one before signs as well until {until:%Y-%m-%d %H:%M} UTC." if hours else ""
    return _secret(f"Endpoint {name} has another secret. {old}", keys, done, name)


@pages.post("/webhook-test/{name:path}", "test_webhook")
async def test(visitor: Visiting, name: PathId) -> Page:
    """Send a signed test message at once, and show what came of it."""
    await visitor.read(find_endpoint, name)
    keys, it = _keys(visitor), visitor.perennial
    try:
        answer = await send_test(it.ledger, it.patience, it.config, keys, name)
    except UnknownKey as error:
        raise _no_key(str(error)) from None
    return await _one(visitor, name, tested=answer)


@pages.post("/webhook-resend/{name:path}", "resend_messages")
async def resend(visitor: Visiting, name: PathId) -> Page:
    """Send the newest failed messages of an endpoint again."""
    line = await visitor.read(find_endpoint, name)
    if line.off_at is not None:
        raise Trouble(422, f"the endpoint {name} is off", "Switch it on first.")

    def failed(ledger: Ledger) -> list[int]:
        state = DeliveryState.FAILED
        return [it.id for it in list_messages(ledger, endpoint=name, state=state, most=MOST_FAILED)]

    ids = await visitor.read(failed)

    def send(connection: Connection, seller: str) -> int:
        again = deliveries.resend(connection, ids, machine_now())
        after = {"messages": ids, "sent_again": again}
        audit.add(connection, seller, "resend_messages", subject=subject_of(name), after=after)
        return again

    return await _one(visitor, name, again=await change(visitor, "resend_messages", send))


@pages.post("/webhook-remove/{name:path}", "remove_webhook")
async def remove(visitor: Visiting, name: PathId) -> Response:
    """Remove an endpoint for good. What waits for it is not sent."""
    await visitor.read(find_endpoint, name)

    def work(connection: Connection, seller: str) -> None:
        endpoints.remove(connection, seller, name, machine_now())
        audit.add(connection, seller, "remove_webhook", subject=subject_of(name))

    await change(visitor, "remove_webhook", work)
    return see(_PATH)


async def _change(
    visitor: StaffCaller, name: str, values: dict[str, Any], seen: str | None = None
) -> None:
    """Change an endpoint. `seen`: as the page has shown it, for values that replace others.

    Raises `_Changed`.
    """
    act: Act = "change_webhook"

    def work(connection: Connection, seller: str) -> None:
        row = endpoints.find(connection, seller, name, lock=True)
        if seen is not None and seen != etag_of_endpoint(row):
            raise _Changed
        endpoints.change(connection, row, values, machine_now(), f"by {visitor.actor}")
        after = {key: value for key, value in values.items() if key != "url"}
        audit.add(connection, seller, act, subject=subject_of(name), after=after)

    await change(visitor, act, work)


def _values(visitor: StaffCaller, sent: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """The address and the events of a form. Adds what is wrong to `faults`."""
    url = read_at("url", sent.get("url", "").strip(), read_url, faults)
    if url is not None and url.startswith("http:") and not visitor.perennial.config.webhook_private:
        faults.append(Fault("url", "http is not allowed; use https"))
    events = read_at("events", _ticked(sent), _events, faults)
    return {"url": url, "events": events, "test_clocks": sent.get("test_clocks") == "on"}


def _fields(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form of an endpoint needs beside its address."""
    return {
        "events": sorted(Event),
        "ticked": _ticked(typed),
        "longest": LONGEST_TEXT,
    }


def _ticked(form: Mapping[str, str]) -> list[str]:
    return [name.removeprefix(EVENT) for name in form if name.startswith(EVENT)]


def _events(ticked: object) -> list[str] | None:
    assert isinstance(ticked, list)
    return chosen(read_event(one) for one in ticked)


def _by_place(faults: tuple[Fault, ...]) -> dict[str, str]:
    return {fault.place: fault.reason for fault in faults}


def _seen(ledger: Ledger, name: str) -> str:
    with ledger.read() as connection:
        return etag_of_endpoint(endpoints.find(connection, ledger.seller, name))


def _keys(visitor: StaffCaller) -> SecretKeys:
    config = visitor.perennial.config
    if config.webhook_keys is None:
        raise _no_key("no key for the secrets of webhooks is set")
    return SecretKeys(keys_of(config.webhook_keys))


def _no_key(what: str) -> Trouble:
    then = "Set PERENNIAL_WEBHOOK_KEYS for the console and the workers (docs/webhooks.md)."
    return Trouble(503, what, then)


def _secret(told: str, keys: SecretKeys, done: Mapping[str, Any], name: str) -> Page:
    """The page that alone shows a secret."""
    try:
        secret = keys.secret(Sealed(*done["sealed"]))
    except UnknownKey as error:
        raise _no_key(str(error)) from None
    back = path_of("webhooks", name)
    return shown_once(told, "secret", secret, back, keep=_KEEP, frame="terms.html")
