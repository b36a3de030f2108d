"""Opening an account, with the credits that it brings along (Rule 11.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, insert

from core.domain import inputs, money
from core.domain.commands.fields import Amount
from core.domain.faults import Fault, Faults
from core.domain.inputs import Sign
from core.domain.subscription import ZERO, Mode
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be opened. Making one raises `Faults` for what can never be a value of a field.

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
    auto_top_up: bool = False
    mode: Mode = Mode.PREPAID
    owner: str | None = None
    billing_email: str | None = None
    clock: str | None = None

    def __post_init__(self) -> None:
        """Check every field. Raises `Faults` with each field that is wrong as its place."""
        faults: list[Fault] = []
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            if value is not None or name not in _OPTIONAL:
                inputs.read_at(name, value, check, faults)
        if faults:
            raise Faults(faults)


def _not_negative(value: object) -> None:
    Amount(help="", sign=Sign.NOT_NEGATIVE).check(value)
    if isinstance(value, Decimal) and (value < 0 or not money.is_amount(value)):
        inputs.wrong(f"must be an amount that is not negative, not {value}")


_CHECKS: dict[str, Callable[[object], object]] = {
    "id": inputs.read_id,
    "seller": inputs.read_id,
    "currency": inputs.read_currency,
    "timezone": inputs.read_zone,
    "credits": _not_negative,
    "credit_limit": _not_negative,
    "card": inputs.read_id,
    "renew_by_card": inputs.read_flag,
    "auto_top_up": inputs.read_flag,
    "mode": lambda value: inputs.read_choice(value, Mode),
    "owner": lambda value: inputs.read_text(value, inputs.LONGEST_ID),
    "billing_email": inputs.read_email,
    "clock": inputs.read_id,
}
_OPTIONAL = ("card", "owner", "billing_email", "clock")


def open_account(ledger: Ledger, account: NewAccount, now: datetime) -> None:
    """Open an account with its credits, in a transaction of its own (see `open_in`)."""
    with ledger.transaction("open_account") as connection:
        open_in(connection, ledger, account, now)


def open_in(connection: Connection, ledger: Ledger, account: NewAccount, now: datetime) -> None:
    """Open an account with its credits, in a transaction that the caller commits.

    `now`: the business instant (UTC).

    Raises `sqlalchemy.exc.IntegrityError` where the id exists.
    """
    values = {
        "id": account.id,
        "seller": account.seller,
        "currency": account.currency,
        "timezone": account.timezone,
        "credit_limit": account.credit_limit,
        "card": account.card,
        "renew_by_card": account.renew_by_card,
        "auto_top_up": account.auto_top_up,
        "mode": str(account.mode),
        "owner": account.owner,
        "billing_email": account.billing_email,
        "clock": account.clock,
    }
    connection.execute(insert(AccountRow), values)
    if account.credits:
        [work] = ledger.works(connection, now, [account.id]).values()
        operation = work.operation(Purpose.OPENING_CREDITS, {"amount": str(account.credits)})
        work.post(operation, double_entry.opening_credits(account.credits))
        work.flush()
