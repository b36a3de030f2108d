"""A batch of usage: many rows in few transactions, and one by one where that is needed.

A round charges the rows of all accounts that can be charged in bulk (`activities.usage_batch`). If
an account has rows left, the next one is sent as a command. So what is due of the account, or an
automatic top-up that a row has set off, is done before it (Rule 1.6). Then comes the next round.
Each round gets at least one row of every account done.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from sqlalchemy import func, literal, literal_column, select

from activities.usage_batch import ACCOUNTS_AT_ONCE, Results, charge_usage
from core.domain.commands.usage import Usage
from core.domain.usage_batch import BalanceAfter, ChargedRow, RowOutcome, check_batch
from core.ledger.bulk_write import one_of
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Clock
from core.protocol.activity_messages import CommandResult
from doors.application.batches import past_failing_rows
from doors.application.patience import first_line

_SINGLE_AT_ONCE = 8
"""So many commands of different accounts are under way at once."""

log = structlog.get_logger()

Waiting = Mapping[str, Sequence[Usage]]
InBulk = Callable[[Waiting], Awaitable[Results]]
"""Charges first rows of accounts, and may run twice (`charge_in_bulk`)."""
Single = Callable[[Usage], Awaitable[CommandResult]]
"""Carries out one row as a command. It may raise."""


async def charge_batch(rows: Sequence[Usage], in_bulk: InBulk, single: Single) -> list[ChargedRow]:
    """Charge a batch. Returns what became of each row, in order.

    The rows of one account are charged in the order of the batch. Rows of different accounts are
    not ordered. Raises `Faults` (`check_batch`), and what `in_bulk` raises while a server is away.
    Then the batch can be repeated.
    """
    check_batch(rows)
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.account].append(place)
    done: dict[int, ChargedRow] = {}
    queue = asyncio.Semaphore(_SINGLE_AT_ONCE)

    async def send_next(left: list[int]) -> None:
        """Send the first row that is left. When its outcome is unknown, the others stay behind."""
        async with queue:
            row = rows[left[0]]
            try:
                done[left[0]] = _charged(row, await single(row))
            except Exception as error:  # One row never stops those of other accounts.
                log.warning("usage_unknown", request=row.request_id, error=first_line(error))
                done[left[0]] = _unknown(row, first_line(error) or type(error).__name__)
                for place in left[1:]:
                    done[place] = _unknown(rows[place], f"it comes after {row.request_id}")
            left[:] = [place for place in left if place not in done]

    while places:
        waiting = {id_: [rows[place] for place in left] for id_, left in places.items()}
        for id_, results in (await in_bulk(waiting)).items():
            for place, result in zip(places[id_], results, strict=False):
                done[place] = _charged(rows[place], result)
            del places[id_][: len(results)]
        places = {id_: left for id_, left in places.items() if left}
        await asyncio.gather(*map(send_next, places.values()))
        places = {id_: left for id_, left in places.items() if left}
    return [done[place] for place in range(len(rows))]


def charge_in_bulk(ledger: Ledger, waiting: Waiting) -> Results:
    """Charge first rows of accounts, some accounts in each transaction.

    An account whose transaction fails has no result. Its first row is sent as a command then, which
    says why. Raises errors of servers that are away.
    """

    def charge(accounts: Sequence[str]) -> Results:
        return charge_usage(ledger, ledger.machine_now(), {id_: waiting[id_] for id_ in accounts})

    def failed(account: str, error: Exception) -> None:
        log.warning("usage_not_in_bulk", account=account, error=first_line(error))

    accounts, results = sorted(waiting), Results()
    for first in range(0, len(accounts), ACCOUNTS_AT_ONCE):
        some = accounts[first : first + ACCOUNTS_AT_ONCE]
        for part in past_failing_rows(some, charge, failed):
            results |= part
    return results


def balances_of(ledger: Ledger, accounts: Sequence[str]) -> list[BalanceAfter]:
    """The money of the seller's accounts now, by id. An account that does not exist is left out."""
    now = func.coalesce(Clock.now, literal(ledger.machine_now()))
    usable = func.usable(literal_column("accounts"), now)
    query = (
        select(AccountRow.id, AccountRow.currency, AccountRow.balance, usable.label("usable"))
        .outerjoin(Clock, Clock.id == AccountRow.clock)
        .where(one_of(AccountRow.id, list(accounts)), AccountRow.seller == ledger.seller)
        .order_by(AccountRow.id)
    )
    with ledger.read() as connection:
        return [
            BalanceAfter(
                account=row.id, currency=row.currency, balance=row.balance, usable=row.usable
            )
            for row in connection.execute(query)
        ]


def _charged(row: Usage, result: CommandResult) -> ChargedRow:
    refusal = result.refusal
    if refusal:
        outcome = RowOutcome.REFUSED
    else:
        outcome = RowOutcome.REPEATED if result.replayed else RowOutcome.CHARGED
    return ChargedRow(
        request_id=str(row.request_id),
        account=row.account,
        amount=row.amount,
        outcome=outcome,
        rule=str(refusal.rule) if refusal else None,
        reason=refusal.reason if refusal else None,
    )


def _unknown(row: Usage, reason: str) -> ChargedRow:
    return ChargedRow(
        request_id=str(row.request_id),
        account=row.account,
        amount=row.amount,
        outcome=RowOutcome.UNKNOWN,
        reason=reason,
    )
