"""The sellers of an installation."""

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from core.ledger.tables import Seller


def ensure(connection: Connection, seller: str) -> None:
    """Create a seller, unless it is known. It has no policy and no catalogue then."""
    connection.execute(insert(Seller).values(id=seller).on_conflict_do_nothing())
