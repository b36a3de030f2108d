"""The roles of programs and people. `doors/access/operations.py` says what each may do."""

from enum import StrEnum


class Role(StrEnum):
    """Who acts: by a key of the API, or signed in."""

    PLATFORM = "platform"
    SUPPORT = "support"
    VIEWER = "viewer"
    FINANCE = "finance"
    ADMIN = "admin"


OF_MONEY = frozenset({Role.ADMIN, Role.FINANCE})
"""The roles of people who move money. A seller may demand that they sign in with a code."""
