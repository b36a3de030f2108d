"""The keys of the HTTP API: listed, made and shown once, rotated, revoked."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from starlette.responses import Response

from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.domain.inputs import read_at
from core.domain.roles import Role
from core.ledger import api_keys
from core.ledger.api_keys import KeyLine
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.access import key_scopes
from doors.access.staff import StaffCaller
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see, shown_once
from doors.console.parameters import ROWS, After, PathId
from doors.console.visitors import Visiting, change
from doors.http.pages import Listed, page_of

pages = Pages()

OVERLAPS = (("24", "for 24 hours"), ("168", "for 7 days"), ("0", "no longer"))
"""How long a key that is rotated still works: hours, and in words."""
_PATH = "/admin/keys"
_KEEP = "Keep it in a store for secrets."
_ID = re.compile(r"[0-9a-f]{12}")


@pages.get("/admin/keys", "list_keys")
async def keys(visitor: Visiting, after: After = None) -> Page:
    """The keys, oldest first, and the form of a new one."""
    return await _keys(visitor, after)


async def _keys(
    visitor: StaffCaller,
    after: str | None = None,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Page:
    now = machine_now()

    def read(ledger: Ledger) -> Listed[KeyLine]:
        with ledger.read() as connection:
            rows = api_keys.keys(connection, ledger.seller, now, after=after)
            return page_of(rows, ROWS, lambda row: row.id)

    shows = {
        "page": await visitor.read(read),
        "roles": list(Role),
        "overlaps": OVERLAPS,
        "typed": typed or {},
        "faults": {fault.place: fault.reason for fault in faults},
        "id": secrets.token_hex(6),
    }
    return Page(template="keys.html", shows=shows, status=400 if faults else 200)


@pages.post("/admin/key-create", "create_key")
async def create(visitor: Visiting, sent: Sent) -> Page:
    """Make a key, which this page alone shows. The form has its id, so it makes one key."""
    faults, now = list[Fault](), machine_now()
    id_ = read_at("key", sent.get("key"), _id, faults)
    name = read_at("name", sent.get("name", "").strip(), inputs.read_id, faults)
    role = read_at("role", sent.get("role"), lambda it: inputs.read_choice(it, Role), faults)
    until = read_at("until", sent.get("until", ""), lambda it: _until(it, now), faults)
    try:
        if faults:
            raise Faults(faults)
        assert name is not None
        assert role is not None
        scopes = key_scopes.read("only", sent.get("only", "").replace(",", " ").split(), role)
        made = await change(
            visitor,
            "create_key",
            lambda connection, seller: api_keys.create(
                connection,
                seller,
                name,
                role,
                now=now,
                actor=visitor.actor,
                expires_at=until,
                scopes=scopes,
                id_=id_,
            ),
        )
    except Faults as error:
        return await _keys(visitor, typed=sent, faults=error.faults)
    told = f"The key of {name}, with the role {role}, is made."
    return shown_once(told, "key", made, _PATH, keep=_KEEP)


@pages.post("/admin/key-rotate/{key:path}", "rotate_key")
async def rotate(visitor: Visiting, sent: Sent, key: PathId) -> Page:
    """Replace a key by a new one, which this page alone shows. For a while both work."""
    hours = inputs.required(
        "overlap", sent.get("overlap", ""), lambda it: inputs.read_whole_text(it, 0, 720)
    )
    new, old = await change(
        visitor,
        "rotate_key",
        lambda connection, seller: api_keys.rotate(
            connection,
            seller,
            key,
            now=machine_now(),
            overlap=timedelta(hours=hours),
            actor=visitor.actor,
        ),
    )
    told = f"Key {old.id} of {old.name} works until {old.expires_at:%Y-%m-%d %H:%M} UTC."
    return shown_once(told, "key", new, _PATH, keep=_KEEP)


@pages.post("/admin/key-revoke/{key:path}", "revoke_key")
async def revoke(visitor: Visiting, key: PathId) -> Response:
    """Revoke a key. It is refused from the next request on, for good."""
    await change(
        visitor, "revoke_key", lambda on, seller: api_keys.revoke(on, seller, key, machine_now())
    )
    return see(_PATH)


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        inputs.wrong("is missing; load the page again")
    return value


def _until(value: object, now: datetime) -> datetime | None:
    """The beginning of a day (UTC), from which on a key is refused. None: never."""
    if value == "":
        return None
    day: date = inputs.read_day(value)
    until = datetime.combine(day, time(), UTC)
    if until <= now:
        inputs.wrong(f"{day} is past or has begun; a later day is allowed")
    return until
