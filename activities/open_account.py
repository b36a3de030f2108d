"""Opening an account, with the credits that it brings along (Rule 11.2)."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import insert

from core.domain import calendar, money
from core.domain.subscription import ZERO
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be opened.

    `credits`: what it brings along. They are not a top-up (Rule 11.2).
    `clock`: the test clock that it is attached to.
    """

    id: str
    seller: str
    currency: str
    timezone: str
    credits: Decimal = ZERO
    credit_limit: Decimal = ZERO
    card: str | None = None
    renew_by_card: bool = False
    owner: str | None = None
    billing_email: str | None = None
    clock: str | None = None
    facts: dict[str, str] = field(default_factory=dict)


def open_account(ledger: Ledger, account: NewAccount, now: datetime) -> None:
    """Open an account with its credits.

    Raises ValueError for an unknown currency or zone and for negative amounts, and
    `sqlalchemy.exc.IntegrityError` where the id exists.
    """
    calendar.zone(account.timezone)
    money.minor_units(account.currency)
    if any(
        amount < 0 or not money.is_amount(amount)
        for amount in (account.credits, account.credit_limit)
    ):
        raise ValueError(
            f"credits and credit limit of {account.id} must be amounts that are not negative"
        )
    values = {
        "id": account.id,
        "seller": account.seller,
        "currency": account.currency,
        "timezone": account.timezone,
        "credit_limit": account.credit_limit,
        "card": account.card,
        "renew_by_card": account.renew_by_card,
        "owner": account.owner,
        "billing_email": account.billing_email,
        "clock": account.clock,
    }
    with ledger.transaction("open_account") as connection:
        connection.execute(insert(AccountRow), values)
        if account.credits:
            [work] = ledger.works(connection, now, [account.id]).values()
            operation = work.operation(Purpose.OPENING_CREDITS, {"amount": str(account.credits)})
            work.post(operation, double_entry.opening_credits(account.credits))
            work.flush()
