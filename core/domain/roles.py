"""The roles of an API key. What each of them may do is the table of `doors/http/access.py`."""

from enum import StrEnum


class Role(StrEnum):
    """Who uses an API key."""

    PLATFORM = "platform"
    SUPPORT = "support"
    VIEWER = "viewer"
    FINANCE = "finance"
    ADMIN = "admin"
