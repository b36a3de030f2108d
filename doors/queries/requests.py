"""What became of a request, by its idempotency key (Rule 4.2)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from core.domain import commands
from core.domain.commands import RESULTS
from core.domain.commands.base import Result
from core.ledger import api_requests, campaigns
from core.ledger.ledger import Ledger
from core.ledger.tables import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRequest:
    """A request that was carried out: when (UTC), and what it did.

    `account`, `subscription`: what a command was about, else None.
    `do`: a command, or another operation of the API. None where a program did something else.
    `result`: the result of a command, else None.
    """

    at: datetime
    account: str | None
    subscription: str | None
    do: str | None
    result: Result | None


def find_request(ledger: Ledger, request_id: str) -> FoundRequest | None:
    """What a request of the seller did. None: it was not carried out, or not yet, or refused."""
    found = _find_command(ledger, request_id)
    if found is not None:
        return found
    with ledger.read() as connection:
        other = api_requests.find(connection, ledger.seller, request_id)
        if other is not None:
            do, at = other.do, other.at
        elif (campaign := campaigns.of_request(connection, ledger.seller, request_id)) is not None:
            do, at = "start_campaign", campaign.started_at
        else:
            return None
    return FoundRequest(at=at, account=None, subscription=None, do=do, result=None)


_COMMAND = select(Operation.at, Operation.account, Operation.subscription, Operation.result).where(
    Operation.seller == bindparam("of"), Operation.request_id == bindparam("request")
)


def _find_command(ledger: Ledger, request_id: str) -> FoundRequest | None:
    with ledger.read() as connection:
        of = {"of": ledger.seller, "request": request_id}
        row = connection.execute(_COMMAND, of).one_or_none()
    if row is None:
        return None
    do = row.result.get("do") if row.result.get("do") in RESULTS else None
    return FoundRequest(
        at=row.at,
        account=row.account,
        subscription=row.subscription,
        do=do,
        result=None if do is None else commands.restored(row.result),
    )
