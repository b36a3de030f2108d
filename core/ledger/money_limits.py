"""What programs and people of a role move by themselves, and what each has moved in a day."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.domain.roles import Role
from core.domain.second_person import ZERO, MoneyLimit, above
from core.ledger import audit, sellers
from core.ledger.ledger import Ledger
from core.ledger.tables import MoneyLimitRow, MoneyMoved

_LOCKS = 32_012
"""The class of the advisory locks of this module."""


def limits_of(connection: Connection, seller: str, role: Role) -> tuple[MoneyLimit, ...]:
    """The limits of a role, by currency. Empty: it has none."""
    query = (
        select(MoneyLimitRow.__table__)
        .where(MoneyLimitRow.seller == seller, MoneyLimitRow.role == role)
        .order_by(MoneyLimitRow.currency)
    )
    return tuple(
        MoneyLimit(currency=row.currency, per_command=row.per_command, per_day=row.per_day)
        for row in connection.execute(query)
    )


def set_limit(connection: Connection, seller: str, role: Role, limit: MoneyLimit) -> None:
    """Limit what each program or person of a role moves by itself, in one currency."""
    sellers.ensure(connection, seller)
    amounts = {"per_command": limit.per_command, "per_day": limit.per_day}
    connection.execute(
        upsert(MoneyLimitRow)
        .values(seller=seller, role=role, currency=limit.currency, **amounts)
        .on_conflict_do_update(
            index_elements=[MoneyLimitRow.seller, MoneyLimitRow.role, MoneyLimitRow.currency],
            set_=amounts,
        )
    )
    after = {"currency": limit.currency} | {name: str(amount) for name, amount in amounts.items()}
    audit.add(connection, seller, "set_limit", subject=f"role/{role}", after=after)


def remove_limits(connection: Connection, seller: str, role: Role) -> int:
    """Take the limits of a role away. Returns how many there were."""
    mine = (MoneyLimitRow.seller == seller, MoneyLimitRow.role == role)
    removed = connection.execute(delete(MoneyLimitRow).where(*mine)).rowcount
    if removed:
        audit.add(connection, seller, "remove_limits", subject=f"role/{role}")
    return removed


def take(
    ledger: Ledger, who: str, request_id: str, limit: MoneyLimit, moved: Decimal, now: datetime
) -> str | None:
    """Take from the limit of a day, before a command moves money. Returns why it cannot be taken.

    `who`: the id of the key or of the person. `moved`: in the limit's currency. A repetition of the
    request takes nothing again. Concurrent commands of one caller wait for each other here. What is
    taken and then not moved stays taken, unless `settle` says otherwise.
    """
    day = now.date()
    with ledger.transaction("money_taken") as connection:
        lock = func.pg_advisory_xact_lock(_LOCKS, func.hashtext(f"{ledger.seller} {who}"))
        connection.execute(select(lock))
        mine = (MoneyMoved.seller == ledger.seller, MoneyMoved.request_id == request_id)
        if connection.execute(select(MoneyMoved.day).where(*mine)).scalar() is not None:
            return None
        before = _moved(connection, ledger.seller, who, limit.currency, day)
        why = above(limit, moved, before)
        if why is None and moved > ZERO:
            connection.execute(
                upsert(MoneyMoved)
                .values(
                    seller=ledger.seller,
                    request_id=request_id,
                    who=who,
                    day=day,
                    currency=limit.currency,
                    amount=moved,
                )
                .on_conflict_do_nothing()
            )
    return why


def settle(ledger: Ledger, request_id: str, moved: Decimal) -> None:
    """Record what a command has really moved. Zero: a rule has refused it."""
    with ledger.transaction("money_settled") as connection:
        mine = (MoneyMoved.seller == ledger.seller, MoneyMoved.request_id == request_id)
        connection.execute(update(MoneyMoved).where(*mine).values(amount=moved))


def _moved(connection: Connection, seller: str, who: str, currency: str, day: date) -> Decimal:
    query = select(func.coalesce(func.sum(MoneyMoved.amount), 0)).where(
        MoneyMoved.seller == seller,
        MoneyMoved.who == who,
        MoneyMoved.day == day,
        MoneyMoved.currency == currency,
    )
    return Decimal(connection.execute(query).scalar_one())
