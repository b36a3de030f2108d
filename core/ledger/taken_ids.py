"""Which ids are taken in the installation, by whichever seller (docs/decisions/0033)."""

from collections.abc import Iterable

from sqlalchemy import Connection, Text, func, literal
from sqlalchemy.dialects.postgresql import ARRAY


def subscriptions(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that a subscription has."""
    return _taken(connection, "taken_subscriptions", ids)


def accounts(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that an account has."""
    return _taken(connection, "taken_accounts", ids)


def _taken(connection: Connection, function: str, ids: Iterable[str]) -> set[str]:
    asked = getattr(func, function)(literal(sorted(ids), ARRAY(Text)))
    return set(connection.execute(asked.select()).scalars())
