"""What time it is: the machine's clock, and the virtual now of test clocks.

This is the one place that reads the machine's clock. Everything else receives the business instant
(UTC) at which it acts. A unit of work on an account without a test clock asks here (Rule 13).
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from core.ledger.tables import AccountRow, Clock, SubscriptionRow


def machine_now() -> datetime:
    """The machine's now (UTC)."""
    return datetime.now(UTC)


def create(connection: Connection, seller: str, clock: str, now: datetime) -> None:
    """Make a test clock that stands at an instant (UTC).

    Raises `sqlalchemy.exc.IntegrityError` where its id is taken, by any seller.
    """
    connection.execute(insert(Clock).values(id=clock, seller=seller, now=now))


def now_of(connection: Connection, seller: str, clock: str | None) -> datetime:
    """The virtual now (UTC) of a test clock of a seller. None: the machine's now.

    Raises LookupError for an unknown clock.
    """
    if clock is None:
        return machine_now()
    mine = (Clock.id == clock, Clock.seller == seller)
    now = connection.execute(select(Clock.now).where(*mine)).scalar()
    if now is None:
        raise LookupError(f"there is no test clock {clock}")
    return now


def virtual_now(
    connection: Connection, *, account: str | None = None, subscription: str | None = None
) -> datetime | None:
    """The virtual now (UTC) of the account, or of the account that owns the subscription.

    Returns None when the account lives by the machine's clock.
    """
    query = select(Clock.now).join(AccountRow, AccountRow.clock == Clock.id)
    if subscription is not None:
        query = query.join(SubscriptionRow, SubscriptionRow.account == AccountRow.id).where(
            SubscriptionRow.id == subscription
        )
    else:
        query = query.where(AccountRow.id == account)
    return connection.execute(query).scalar()


def set_now(connection: Connection, clock: str, now: datetime) -> None:
    """Move a test clock forward. It never goes back."""
    connection.execute(update(Clock).where(Clock.id == clock, Clock.now < now).values(now=now))
