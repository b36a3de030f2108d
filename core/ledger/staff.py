"""The staff of a seller: the people who sign in. A person belongs to one seller and has one role.

Rows are never deleted, so that the record of who has acted stays complete. A person who leaves is
switched off.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.domain.acts import Act
from core.domain.endpoints import Sealed
from core.domain.faults import Fault, Faults
from core.domain.roles import Role
from core.domain.sign_in import actor_of, locked_until
from core.ledger import audit, passwords, sellers, sessions
from core.ledger.acting import Acting, as_one
from core.ledger.ledger import Ledger
from core.ledger.row_pages import row_pages
from core.ledger.tables import Staff

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffLine:
    """A person of the staff, without secrets. Instants are in UTC.

    `has_password`, `has_code`: how the person can sign in.
    `failures`: wrong attempts in a row. `locked_until`: no attempt is judged before.
    `off_at`: since when the person cannot sign in any longer. None: the person can.
    """

    id: str
    seller: str
    email: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None
    failures: int
    locked_until: datetime | None
    off_at: datetime | None
    has_password: bool
    has_code: bool

    @property
    def actor(self) -> str:
        """The person, for the history."""
        return actor_of(self.name, self.email)

    @property
    def subject(self) -> str:
        """The person, for the audit."""
        return f"staff/{self.id}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in that is judged. `person`: None for an unknown address.

    `password`: the hash of the password, None without one.
    `code`: the secret of the codes, None for a person who has none.
    """

    person: StaffLine | None
    password: str | None
    code: Sealed | None = None


def add(
    connection: Connection,
    seller: str,
    email: str,
    name: str,
    role: Role,
    *,
    password: str | None,
    now: datetime,
    actor: str,
) -> StaffLine:
    """Add a person. The values are as `core.domain.sign_in` reads them.

    `password`: None for a person who signs in by OpenID Connect only.

    Raises `Faults` when the seller has a person with this address.
    """
    sellers.ensure(connection, seller)
    added = connection.execute(
        upsert(Staff)
        .values(
            id=secrets.token_hex(6),
            seller=seller,
            email=email,
            name=name,
            role=role,
            password=None if password is None else passwords.hashed(password),
            created_at=now,
            created_by=actor,
        )
        .on_conflict_do_nothing()
        .returning(Staff.id)
    )
    if added.scalar() is None:
        _wrong(f"{email} is staff already; `starter.py staff list` shows all")
    line = find(connection, seller, email)
    made = {"email": email, "name": name, "role": str(role)}
    audit.add(connection, seller, "add_staff", subject=line.subject, after=made)
    return line


def find(connection: Connection, seller: str, email: str) -> StaffLine:
    """A person by the address. Raises `Faults` when the seller has none with it."""
    return _line(row_of(connection, seller, email))


def row_of(connection: Connection, seller: str, email: str, *, lock: bool = False) -> Row[Any]:
    """The row of a person. `lock`: until the end of the transaction. Raises `Faults`."""
    query = select(Staff.__table__).where(Staff.seller == seller, Staff.email == email)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        _wrong(f"{email} is not staff of this seller; `starter.py staff list` shows all")
    return row


def staff(connection: Connection, seller: str, *, after: str | None = None) -> Iterator[StaffLine]:
    """The staff of a seller by address. `after`: the address after which they start."""
    query = select(Staff.__table__).where(Staff.seller == seller).order_by(Staff.email)
    if after is not None:
        query = query.where(Staff.email > after)
    yield from map(
        _line, row_pages(connection, query, lambda last: Staff.email > last.email, _PAGE)
    )


def set_role(connection: Connection, seller: str, email: str, role: Role) -> StaffLine:
    """Give a person another role. It holds from the next request on. Raises `Faults`."""
    before = find(connection, seller, email)
    line = _change(connection, seller, email, role=role)
    roles = ({"role": str(one.role)} for one in (before, line))
    _record(connection, line, "set_staff_role", *roles)
    return line


def set_password(
    connection: Connection, seller: str, email: str, password: str, now: datetime
) -> StaffLine:
    """Give a person another password, end the sessions, and take the lock away. Raises `Faults`."""
    line = _change(
        connection,
        seller,
        email,
        password=passwords.hashed(password),
        failures=0,
        locked_until=None,
    )
    _record(connection, line, "set_staff_password")
    sessions.end_all(connection, line.id, now)
    return line


def switch_off(connection: Connection, seller: str, email: str, now: datetime) -> StaffLine:
    """Let a person no longer sign in, and end the sessions. Raises `Faults`."""
    row = row_of(connection, seller, email, lock=True)
    line = _change(connection, seller, email, off_at=row.off_at or now)
    _record(connection, line, "disable_staff")
    sessions.end_all(connection, line.id, now)
    return line


def switch_on(connection: Connection, seller: str, email: str) -> StaffLine:
    """Let a person sign in again. Raises `Faults`."""
    line = _change(connection, seller, email, off_at=None, failures=0, locked_until=None)
    _record(connection, line, "enable_staff")
    return line


def end_sessions(connection: Connection, seller: str, email: str, now: datetime) -> int:
    """End all sessions of a person, at once. Returns how many. Raises `Faults`."""
    line = find(connection, seller, email)
    ended = sessions.end_all(connection, line.id, now)
    _record(connection, line, "end_sessions", after={"ended": ended})
    return ended


def begin_attempt(ledger: Ledger, email: str, now: datetime, address: str = "") -> Attempt | None:
    """Count an attempt to sign in to the seller, before it is judged. None: it is not judged.

    It counts as wrong until `sessions.start` says otherwise. So concurrent attempts cannot be more
    than those that are allowed, and a crash in the middle gives none away.
    """
    with ledger.transaction("staff_attempt") as connection:
        query = select(Staff.__table__).where(Staff.seller == ledger.seller, Staff.email == email)
        row = connection.execute(query.with_for_update()).one_or_none()
        if row is None:
            return Attempt(None, None)
        if row.locked_until is not None and now < row.locked_until:
            return None
        failures = row.failures + 1
        values = {"failures": failures, "locked_until": locked_until(failures, now)}
        connection.execute(update(Staff).where(Staff.id == row.id).values(**values))
        with as_one(Acting(actor_of(row.name, row.email), "sign-in", address)):
            subject, outcome = f"staff/{row.id}", audit.Outcome.ASKED
            audit.add(connection, ledger.seller, "sign_in", subject=subject, outcome=outcome)
    if row.off_at is not None:
        return Attempt(None, None)
    code = None if row.code_since is None else Sealed(row.code_key, row.code_salt)
    return Attempt(_line(row), row.password, code)


def _record(
    connection: Connection,
    line: StaffLine,
    act: Act,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.add(connection, line.seller, act, subject=line.subject, before=before, after=after)


def _change(connection: Connection, seller: str, email: str, **values: Any) -> StaffLine:
    row = row_of(connection, seller, email, lock=True)
    connection.execute(update(Staff).where(Staff.id == row.id).values(**values))
    return find(connection, seller, email)


def _wrong(reason: str) -> NoReturn:
    raise Faults([Fault("email", reason)])


def _line(row: Any) -> StaffLine:
    made: dict[str, Any] = {"role": Role(row.role), "has_password": row.password is not None}
    made["has_code"] = row.code_since is not None
    names = StaffLine.__dataclass_fields__.keys() - made.keys()
    return StaffLine(**{name: getattr(row, name) for name in names}, **made)
