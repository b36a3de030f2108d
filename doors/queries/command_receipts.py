"""What a command has done: its lines of the history and its invoice, by its request id."""

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from core.ledger.invoice_facts import written
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, History, Invoice, Operation
from doors.queries.histories import HistoryLine, history_lines
from doors.queries.requests import FoundRequest, find_request
from doors.queries.snapshot import NotFound, open_snapshot

_LOOKED_AT = 500
"""So many of the newest lines of the account are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReceipt:
    """What a request did.

    `request`: when, to what, with which result. `account`, `timezone`: of the account.
    `lines`: what it added to the history of the account, among the account's newest 500 lines.
    `invoice`: the number of the invoice or credit note that it made, if it has one by now.
    """

    request: FoundRequest
    account: str
    timezone: str
    lines: list[HistoryLine]
    invoice: str | None


def command_receipt(ledger: Ledger, request_id: str) -> CommandReceipt | None:
    """The receipt of a request. None: it was not carried out, or not yet, or it was refused.

    Raises NotFound for a request that was no command on an account.
    """
    found = find_request(ledger, request_id)
    if found is None:
        return None
    account = found.account
    if account is None:
        raise NotFound(f"request {request_id} was no command on an account")
    operation = (
        select(Operation.id, AccountRow.timezone, Invoice.number)
        .join(AccountRow, AccountRow.id == Operation.account)
        .outerjoin(Invoice, Invoice.operation == Operation.id)
        .where(Operation.seller == ledger.seller, Operation.request_id == request_id)
    )
    with open_snapshot(ledger) as snapshot:
        row = snapshot.connection.execute(operation).one()
        mine = History.account == account
        newest = select(History.seq).where(mine).order_by(History.seq.desc()).limit(_LOOKED_AT)
        recent = History.seq >= select(func.min(newest.subquery().c.seq)).scalar_subquery()
        own = and_(mine, recent, History.operation == row.id)
        lines = history_lines(snapshot, own, _LOOKED_AT)
    return CommandReceipt(
        request=found,
        account=account,
        timezone=row.timezone,
        lines=lines,
        invoice=None if row.number is None else written(row.number),
    )
