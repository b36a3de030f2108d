"""What became of a request, by its idempotency key (Rule 4.2)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.domain import commands
from core.domain.commands import RESULTS
from core.domain.commands.base import Result
from core.ledger.ledger import Ledger
from core.ledger.tables import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRequest:
    """A request that was carried out: when (UTC), on which account, and with which result.

    `result`: None where a program did something else than a command.
    """

    at: datetime
    account: str
    subscription: str | None
    result: Result | None


def find_request(ledger: Ledger, request_id: str) -> FoundRequest | None:
    """What a request of the seller did. None: it was not carried out, or not yet, or refused."""
    query = select(Operation.at, Operation.account, Operation.subscription, Operation.result).where(
        Operation.seller == ledger.seller, Operation.request_id == request_id
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return FoundRequest(
        at=row.at,
        account=row.account,
        subscription=row.subscription,
        result=commands.restored(row.result) if row.result.get("do") in RESULTS else None,
    )
