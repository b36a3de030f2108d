"""Tables of the keys of the HTTP API."""

from collections.abc import Sequence

from core.ledger.api_keys import KeyLine
from doors.commandline import tables
from doors.commandline.tables import Printed, instant


def keys(found: Sequence[KeyLine]) -> list[Printed]:
    """The keys of a seller. Instants are in UTC."""
    if not found:
        return ["There is no key. `starter.py key create NAME --role ROLE` makes one."]
    made = tables.table("Keys (UTC)", "Key", "Name", "Role", "Made", "Last used", "State")
    for key in found:
        cells = (key.id, key.name, key.role, instant(key.created_at), instant(key.used_at))
        tables.add_row(made, *cells, _state(key), style=None if key.active else "dim")
    return [made]


def _state(key: KeyLine) -> str:
    if key.revoked_at is not None:
        return f"revoked {instant(key.revoked_at)}"
    if key.expires_at is None:
        return "active"
    until = "active until" if key.active else "expired"
    return f"{until} {instant(key.expires_at)}"
