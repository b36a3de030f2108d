"""Tables of staff and of sessions."""

from collections.abc import Sequence
from datetime import datetime

from core.ledger.sessions import SessionLine
from core.ledger.staff import StaffLine
from doors.commandline import tables
from doors.commandline.tables import Printed, instant


def staff(found: Sequence[StaffLine], now: datetime) -> list[Printed]:
    """The staff of a seller. Instants are in UTC."""
    if not found:
        return ["There is no staff. `starter.py staff add EMAIL --name NAME --role ROLE` adds one."]
    made = tables.table("Staff (UTC)", "Email", "Name", "Role", "Signs in by", "Last time", "State")
    for line in found:
        cells = (line.email, line.name, line.role, _by(line))
        dim = None if line.off_at is None else "dim"
        tables.add_row(made, *cells, instant(line.signed_in_at), _state(line, now), style=dim)
    return [made]


def sessions(found: Sequence[SessionLine]) -> list[Printed]:
    """Sessions that can be used. Instants are in UTC."""
    if not found:
        return ["There is no session."]
    made = tables.table("Sessions (UTC)", "Session", "Email", "By", "From", "Begun", "Seen", "Ends")
    for line in found:
        instants = (instant(at) for at in (line.created_at, line.seen_at, line.ends_at))
        tables.add_row(made, line.id, line.email, line.how, line.address, *instants)
    return [made]


def _by(line: StaffLine) -> str:
    words = ["password"] * line.has_password + ["code"] * line.has_code
    return " and ".join(words) or "OpenID Connect"


def _state(line: StaffLine, now: datetime) -> str:
    if line.off_at is not None:
        return f"off since {instant(line.off_at)}"
    if line.locked_until is not None and now < line.locked_until:
        return f"locked until {line.locked_until:%H:%M:%S}"
    return "active"
