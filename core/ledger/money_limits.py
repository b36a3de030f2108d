"""What programs and people of a role move by themselves, and what each has moved in a day."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.domain.refusal import Refused
from core.domain.roles import Role
from core.domain.rules import Rule
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

    `who`: the id of the key or of the person. `moved`: in the limit's currency. Concurrent commands
    of one caller wait for each other here. What is taken and then not moved stays taken, unless
    `settle` says otherwise.

    A request that is repeated is judged anew, because a request id says nothing of the amount. The
    larger amount is taken, and it is taken once. Raises `Refused` 4.2 while another caller, or
    another currency, has taken something with the request id.
    """
    day, currency = now.date(), limit.currency
    with ledger.transaction("money_taken") as connection:
        lock = func.pg_advisory_xact_lock(_LOCKS, func.hashtext(f"{ledger.seller} {who}"))
        connection.execute(select(lock))
        why = above(limit, moved, _moved(connection, ledger.seller, who, currency, day, request_id))
        if why is None and moved > ZERO:
            new = {"who": who, "day": day, "currency": currency}
            row = new | {"seller": ledger.seller, "request_id": request_id, "amount": moved}
            larger = func.greatest(MoneyMoved.amount, moved)
            same = (MoneyMoved.who == who) & (MoneyMoved.currency == currency)
            taken = connection.execute(
                upsert(MoneyMoved)
                .values(**row)
                .on_conflict_do_update(
                    index_elements=[MoneyMoved.seller, MoneyMoved.request_id],
                    set_=new | {"amount": larger},
                    where=same | (MoneyMoved.amount == ZERO),
                )
                .returning(MoneyMoved.day)
            )
            if taken.scalar() is None:
                raise Refused(Rule.REQUEST_ID, f"request id {request_id} is used by another caller")
    return why


def settle(ledger: Ledger, request_id: str, moved: Decimal) -> None:
    """Record what a command has really moved. Zero: a rule has refused it."""
    with ledger.transaction("money_settled") as connection:
        mine = (MoneyMoved.seller == ledger.seller, MoneyMoved.request_id == request_id)
        connection.execute(update(MoneyMoved).where(*mine).values(amount=moved))


def _moved(
    connection: Connection, seller: str, who: str, currency: str, day: date, but: str
) -> Decimal:
    """What the caller has moved on a day. `but`: the request id that does not count."""
    query = select(func.coalesce(func.sum(MoneyMoved.amount), 0)).where(
        MoneyMoved.seller == seller,
        MoneyMoved.request_id != but,
        MoneyMoved.who == who,
        MoneyMoved.day == day,
        MoneyMoved.currency == currency,
    )
    return Decimal(connection.execute(query).scalar_one())
