"""What a seller demands of its staff."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.ledger import audit, sellers
from core.ledger.tables import StaffRules


def codes_are_required(connection: Connection, seller: str) -> bool:
    """Whether people of roles of money sign in with a code only. Default: no."""
    found = connection.execute(select(StaffRules.codes).where(StaffRules.seller == seller))
    return bool(found.scalar())


def require_codes(connection: Connection, seller: str, required: bool) -> None:
    """Demand codes of people of roles of money, or not."""
    sellers.ensure(connection, seller)
    connection.execute(
        upsert(StaffRules)
        .values(seller=seller, codes=required)
        .on_conflict_do_update(index_elements=[StaffRules.seller], set_={"codes": required})
    )
    audit.add(connection, seller, "require_codes", after={"required": required})
