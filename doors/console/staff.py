"""The staff of a seller: listed, added, given a role or a password, switched off and on."""

import secrets
from collections.abc import Mapping

from sqlalchemy import Connection
from starlette.responses import Response

from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.domain.inputs import read_at
from core.domain.roles import Role
from core.domain.sign_in import read_staff_email, read_staff_name
from core.ledger import sessions, staff
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.sessions import SessionLine
from core.ledger.staff import StaffLine
from doors.access.staff import StaffCaller
from doors.console.errors import Trouble
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see, shown_once
from doors.console.parameters import ROWS, PathId, SomeId
from doors.console.rendering import path_of
from doors.console.visitors import Visiting, change
from doors.http.pages import Listed, page_of
from doors.queries.snapshot import NotFound

pages = Pages()

ROLES = tuple(role for role in Role if role is not Role.PLATFORM)
"""The roles of people. The role platform is for programs with a key."""
_KEEP = "Tell it to the person by a safe way."


@pages.get("/admin/staff", "list_staff")
async def people(visitor: Visiting, after: SomeId = None) -> Page:
    """The people by address, and the form of a new one."""
    return await _people(visitor, after)


async def _people(
    visitor: StaffCaller,
    after: str | None = None,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Page:
    def read(ledger: Ledger) -> Listed[StaffLine]:
        with ledger.read() as connection:
            rows = staff.staff(connection, ledger.seller, after=after)
            return page_of(rows, ROWS, lambda row: row.email)

    shows = {
        "page": await visitor.read(read),
        "roles": ROLES,
        "typed": typed or {},
        "faults": {fault.place: fault.reason for fault in faults},
        "now": machine_now(),
    }
    return Page(template="staff.html", shows=shows, status=400 if faults else 200)


@pages.post("/admin/staff-add", "add_staff")
async def add(visitor: Visiting, sent: Sent) -> Page:
    """Add a person with a generated password, which this page alone shows."""
    faults = list[Fault]()
    email = read_at("email", sent.get("email", "").strip(), read_staff_email, faults)
    name = read_at("name", sent.get("name", ""), read_staff_name, faults)
    role = read_at("role", sent.get("role"), _role, faults)
    password = new_password()

    def work(connection: Connection, seller: str) -> StaffLine:
        assert email is not None
        assert name is not None
        assert role is not None
        now, by = machine_now(), visitor.actor
        return staff.add(
            connection, seller, email, name, role, password=password, now=now, actor=by
        )

    try:
        if faults:
            raise Faults(faults)
        line = await change(visitor, "add_staff", work)
    except Faults as error:
        return await _people(visitor, typed=sent, faults=error.faults)
    told = f"{line.actor} is staff, with the role {line.role}."
    back = path_of("admin", "staff", line.email)
    return shown_once(told, "password", password, back, keep=_KEEP)


@pages.get("/admin/staff/{email:path}", "list_staff")
async def person(visitor: Visiting, email: PathId) -> Page:
    """A person, the sessions in use, and what can be changed."""
    line = await visitor.read(_find, email)

    def read(ledger: Ledger) -> Listed[SessionLine]:
        with ledger.read() as connection:
            now = machine_now()
            rows = sessions.sessions(connection, ledger.seller, now, email=line.email)
            return page_of(rows, ROWS, lambda row: row.id)

    shows = {
        "it": line,
        "own": line.id == visitor.session.staff,
        "sessions": await visitor.read(read),
        "roles": ROLES,
        "now": machine_now(),
    }
    return Page(template="person.html", shows=shows)


@pages.post("/admin/staff-role/{email:path}", "set_staff_role")
async def set_role(visitor: Visiting, sent: Sent, email: PathId) -> Response:
    """Give a person another role. It holds from the next request on."""
    line = await _other(visitor, email)
    role = inputs.required("role", sent.get("role"), _role)
    await change(
        visitor, "set_staff_role", lambda on, seller: staff.set_role(on, seller, line.email, role)
    )
    return see(path_of("admin", "staff", line.email))


@pages.post("/admin/staff-password/{email:path}", "set_staff_password")
async def set_password(visitor: Visiting, email: PathId) -> Page:
    """Give a person a generated password, which this page alone shows. Sessions end."""
    line, password = await _other(visitor, email), new_password()
    now = machine_now()
    await change(
        visitor,
        "set_staff_password",
        lambda on, seller: staff.set_password(on, seller, line.email, password, now),
    )
    told = f"{line.actor} has another password. All sessions have ended."
    back = path_of("admin", "staff", line.email)
    return shown_once(told, "password", password, back, keep=_KEEP)


@pages.post("/admin/staff-off/{email:path}", "disable_staff")
async def switch_off(visitor: Visiting, email: PathId) -> Response:
    """Let a person no longer sign in. Sessions end at once."""
    line, now = await _other(visitor, email), machine_now()
    await change(
        visitor, "disable_staff", lambda on, seller: staff.switch_off(on, seller, line.email, now)
    )
    return see(path_of("admin", "staff", line.email))


@pages.post("/admin/staff-on/{email:path}", "enable_staff")
async def switch_on(visitor: Visiting, email: PathId) -> Response:
    """Let a person sign in again, with the password of before."""
    line = await _other(visitor, email)
    await change(
        visitor, "enable_staff", lambda on, seller: staff.switch_on(on, seller, line.email)
    )
    return see(path_of("admin", "staff", line.email))


@pages.post("/admin/staff-sessions/{email:path}", "end_sessions")
async def end_sessions(visitor: Visiting, email: PathId) -> Response:
    """End all sessions of a person, one's own too."""
    line, now = await visitor.read(_find, email), machine_now()
    await change(
        visitor, "end_sessions", lambda on, seller: staff.end_sessions(on, seller, line.email, now)
    )
    return see(path_of("admin", "staff", line.email))


def new_password() -> str:
    """A password of 144 random bits. It is told once, and stored nowhere."""
    return secrets.token_urlsafe(18)


async def _other(visitor: StaffCaller, email: str) -> StaffLine:
    """A person who is not the visitor. So one admin stays who can mend everything."""
    line = await visitor.read(_find, email)
    if line.id == visitor.session.staff:
        raise Trouble(422, "This is your own access", "Ask another admin.")
    return line


def _role(value: object) -> Role:
    role = inputs.read_choice(value, Role)
    if role is Role.PLATFORM:
        inputs.wrong(f"platform is for programs with a key; allowed are {', '.join(ROLES)}")
    return role


def _find(ledger: Ledger, email: str) -> StaffLine:
    try:
        with ledger.read() as connection:
            return staff.find(connection, ledger.seller, email)
    except Faults:
        raise NotFound(f"{email} is not staff of this seller") from None
