"""Sessions of staff: started at each sign-in, found by what a browser shows, ended.

A browser shows a token ``ps_<id>_<secret>`` (`core.ledger.bearer_tokens`). Each sign-in makes a new
one, so a token that was planted before is worth nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from core.domain.roles import Role
from core.domain.sign_in import IDLE, LASTS, actor_of, session_ends
from core.ledger import audit
from core.ledger.acting import Acting, as_one
from core.ledger.bearer_tokens import NOTED, Token
from core.ledger.ledger import Ledger
from core.ledger.row_pages import row_pages
from core.ledger.tables import Session, Staff

_KIND = "ps"
_PAGE = 100


class How(StrEnum):
    """How a person has signed in."""

    PASSWORD = "password"  # noqa: S105
    CODE = "password and code"
    OPENID = "openid"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A session that can be used, and its person. Instants are in UTC.

    `id`: public, for the record. `ends_at`: the first instant at which it cannot be used, if
    nothing is asked until then. `address`: where the sign-in came from.
    """

    id: str
    seller: str
    staff: str
    email: str
    name: str
    role: Role
    how: How
    address: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime

    @property
    def actor(self) -> str:
        """The person, for the history."""
        return actor_of(self.name, self.email)


def start(ledger: Ledger, staff: str, *, how: How, address: str, now: datetime) -> str:
    """Begin a session of a person who has proved who it is. Returns the token, stored nowhere.

    Wrong attempts of before are forgotten. `staff`: the id of the person. `address`: where the
    sign-in comes from, at most 100 characters.
    """
    token = Token.new(_KIND)
    with ledger.transaction("staff_session") as connection:
        forget = {"failures": 0, "locked_until": None, "signed_in_at": now}
        mine = update(Staff).where(Staff.id == staff).values(**forget)
        person = connection.execute(mine.returning(Staff.name, Staff.email)).one()
        connection.execute(
            insert(Session).values(
                id=token.id,
                seller=ledger.seller,
                staff=staff,
                digest=token.digest,
                how=how,
                address=address,
                created_at=now,
                seen_at=now,
            )
        )
        with as_one(Acting(actor_of(person.name, person.email), f"session/{token.id}", address)):
            made = {"how": str(how), "session": token.id}
            audit.add(connection, ledger.seller, "sign_in", subject=f"staff/{staff}", after=made)
    return str(token)


def session_of(
    ledger: Ledger, shown: str, now: datetime, *, used: bool = True
) -> SessionLine | None:
    """The session of a token, of any seller. None if there is none that can be used now.

    `used`: whether a person asks, and not a page by itself. That the session is in use is noted
    then, once a minute at most. For a viewer it is noted in any case: a viewer changes nothing, so
    a wall may hang unattended until the session's last instant. The role is that of now.
    """
    token = Token.read(_KIND, shown)
    if token is None:
        return None
    with ledger.read() as connection:
        row = connection.execute(_living(now).where(Session.id == token.id)).one_or_none()
    if not token.has(None if row is None else row.digest) or row is None:
        return None
    if (used or row.role == Role.VIEWER) and row.seen_at <= now - NOTED:
        stale = (Session.id == token.id, Session.seen_at <= now - NOTED)
        with ledger.transaction("staff_seen") as connection:
            connection.execute(update(Session).where(*stale).values(seen_at=now))
    return _line(row)


def sessions(
    connection: Connection, seller: str, now: datetime, *, email: str | None = None
) -> Iterator[SessionLine]:
    """The sessions of a seller that can be used, by id. `email`: of this person only."""
    query = _living(now).where(Session.seller == seller).order_by(Session.id)
    if email is not None:
        query = query.where(Staff.email == email)
    yield from map(_line, row_pages(connection, query, lambda last: Session.id > last.id, _PAGE))


def end(connection: Connection, seller: str, id_: str, now: datetime) -> bool:
    """End a session, at once and for good. Returns whether there was one to end."""
    mine = (Session.id == id_, Session.seller == seller, Session.ended_at.is_(None))
    ended = connection.execute(update(Session).where(*mine).values(ended_at=now)).rowcount > 0
    if ended:
        audit.add(connection, seller, "sign_out", subject=f"session/{id_}")
    return ended


def end_all(connection: Connection, staff: str, now: datetime) -> int:
    """End all sessions of a person, at once. Returns how many. `staff`: the id of the person."""
    mine = (Session.staff == staff, Session.ended_at.is_(None))
    return connection.execute(update(Session).where(*mine).values(ended_at=now)).rowcount


def _living(now: datetime) -> Select[Any]:
    """Sessions that can be used now, with their people."""
    return (
        select(*Session.__table__.columns, Staff.email, Staff.name, Staff.role)
        .join(Staff, Staff.id == Session.staff)
        .where(
            Session.ended_at.is_(None),
            Session.seen_at > now - IDLE,
            Session.created_at > now - LASTS,
            Staff.off_at.is_(None),
        )
    )


def _line(row: Any) -> SessionLine:
    made: dict[str, Any] = {
        "role": Role(row.role),
        "how": How(row.how),
        "ends_at": session_ends(row.created_at, row.seen_at),
    }
    names = SessionLine.__dataclass_fields__.keys() - made.keys()
    return SessionLine(**{name: getattr(row, name) for name in names}, **made)
