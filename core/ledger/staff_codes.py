"""The codes of staff: agreed upon, confirmed, used once, taken away (RFC 6238).

The secret is derived outside, from the key and the salt of the person's row. It is handed in here.
"""

import secrets
from datetime import datetime
from typing import NoReturn

from sqlalchemy import Connection, delete, insert, select, update

from core.domain.endpoints import Sealed
from core.domain.faults import Fault, Faults
from core.domain.one_time_codes import (
    RECOVERY_CODES,
    recovery_code,
    recovery_digest,
    step_of,
)
from core.ledger import audit
from core.ledger.ledger import Ledger
from core.ledger.staff import row_of
from core.ledger.tables import RecoveryCode, Staff


def prepare(connection: Connection, seller: str, email: str, sealed: Sealed) -> None:
    """Keep a new secret. It is not asked for before it is confirmed.

    Raises `Faults` for a person who is unknown, or whose codes are asked for already.
    """
    row = row_of(connection, seller, email, lock=True)
    if row.code_since is not None:
        _wrong("email", f"{email} has codes already; take them away first: staff totp --off")
    values = {"code_key": sealed.key, "code_salt": sealed.salt, "code_step": None}
    connection.execute(update(Staff).where(Staff.id == row.id).values(**values))


def sealed_of(connection: Connection, seller: str, email: str) -> Sealed:
    """The secret that was prepared. Raises `Faults` when there is none that can be confirmed."""
    row = row_of(connection, seller, email, lock=True)
    if row.code_key is None or row.code_since is not None:
        _wrong("email", f"{email} has no secret that waits for its first code; make one first")
    return Sealed(row.code_key, row.code_salt)


def confirm(
    connection: Connection, seller: str, email: str, secret: bytes, code: str, now: datetime
) -> list[str]:
    """Ask for codes from now on, because the first one is right. Returns the recovery codes.

    They are shown once and stored as digests. Raises `Faults` for a wrong code.
    """
    row = row_of(connection, seller, email, lock=True)
    step = step_of(secret, code, now, None)
    if step is None:
        _wrong("code", "is wrong; look at the app again, and check the clock of both machines")
    codes = [recovery_code(secrets.token_bytes(10)) for _ in range(RECOVERY_CODES)]
    _forget(connection, row.id)
    connection.execute(
        insert(RecoveryCode),
        [{"seller": seller, "staff": row.id, "digest": recovery_digest(one)} for one in codes],
    )
    values = {"code_since": now, "code_step": step}
    connection.execute(update(Staff).where(Staff.id == row.id).values(**values))
    audit.add(connection, seller, "begin_staff_codes", subject=f"staff/{row.id}")
    return codes


def remove(connection: Connection, seller: str, email: str) -> None:
    """Ask a person for no code any longer. Raises `Faults` for an unknown person."""
    row = row_of(connection, seller, email, lock=True)
    _forget(connection, row.id)
    values = dict.fromkeys(("code_key", "code_salt", "code_since", "code_step"))
    connection.execute(update(Staff).where(Staff.id == row.id).values(**values))
    audit.add(connection, seller, "end_staff_codes", subject=f"staff/{row.id}")


def use(ledger: Ledger, staff: str, secret: bytes | None, code: str, now: datetime) -> bool:
    """Use a code of the app, or a recovery code. Returns whether it is right and was not used.

    `secret`: None when the key of the secret is not set. Only recovery codes are right then.
    """
    with ledger.transaction("staff_code") as connection:
        row = connection.execute(
            select(Staff.code_step).where(Staff.id == staff).with_for_update()
        ).one()
        step = None if secret is None else step_of(secret, code.strip(), now, row.code_step)
        if step is not None:
            values = {"code_step": step}
            connection.execute(update(Staff).where(Staff.id == staff).values(**values))
            return True
        mine = (RecoveryCode.staff == staff, RecoveryCode.digest == recovery_digest(code))
        return connection.execute(delete(RecoveryCode).where(*mine)).rowcount > 0


def _forget(connection: Connection, staff: str) -> None:
    connection.execute(delete(RecoveryCode).where(RecoveryCode.staff == staff))


def _wrong(place: str, reason: str) -> NoReturn:
    raise Faults([Fault(place, reason)])
