"""The operations that a key is narrowed to, as a person names them."""

from collections.abc import Sequence
from typing import NoReturn

from core.domain.faults import Fault, Faults
from core.domain.roles import Role
from doors.access import operations


def read(place: str, names: Sequence[str] | None, role: Role) -> list[str] | None:
    """Operations that the role may do. None: the key is not narrowed. Raises `Faults`."""
    if not names:
        return None
    for name in names:
        if name not in operations.ROLES or name in operations.OF_CONSOLE:
            _wrong(place, f"there is no operation {name!r}; docs/openapi.json names them")
        if not operations.may(role, name):
            allowed = ", ".join(sorted(operations.ROLES[name]))
            _wrong(place, f"the role {role} may not {name}; allowed are {allowed}")
    return list(names)


def _wrong(place: str, reason: str) -> NoReturn:
    raise Faults([Fault(place, reason)])
