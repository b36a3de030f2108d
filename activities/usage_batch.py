"""Many rows of usage in few transactions (Rules 3.2, 4.2, 11.1).

A transaction locks many accounts and writes all their rows in one statement. The result is that of
the command `usage`, row by row in the order of the batch. Where one statement cannot say that, the
rows of the account are left to the caller, who sends the next one as a command:

* a step of the account is due, and comes before the command (Rule 1.6)
* a row has set off an automatic top-up, which comes before the next command (Rule 11.2)
* another transaction has the account
* the account lives by a test clock
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, select

from activities.command_checks import check_open, replay_of
from activities.commands.usage import usage
from core.domain import commands
from core.domain.commands.usage import Usage, UsageResult
from core.domain.refusal import Refusal, Refused
from core.domain.rules import Rule
from core.ledger import due_steps, refusals
from core.ledger.bulk_write import one_of
from core.ledger.ledger import Ledger
from core.ledger.request_ids import used_by_any
from core.ledger.tables import AccountRow
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult

log = structlog.get_logger()

ACCOUNTS_AT_ONCE = 500
"""So many accounts are locked by one transaction at most. It holds them for half a second."""

Waiting = Mapping[str, Sequence[Usage]]
"""Rows by account, in the order in which they are charged."""
Known = dict[str, tuple[str, dict[str, Any]]]
"""The fingerprint and the result of request ids that were used before."""
Results = dict[str, list[CommandResult]]
"""By account, what became of its first rows. The rows after them are left."""


def charge_usage(ledger: Ledger, now: datetime, waiting: Waiting) -> Results:
    """Charge rows of usage in one transaction, of at most `ACCOUNTS_AT_ONCE` accounts.

    `now`: the instant (UTC) of the caller. The machine's clock is read after the locks (Rule 13).

    The transaction is undone as a whole when anything raises. Repeated, it charges nothing twice.
    """
    with ledger.transaction("charge_usage") as connection:
        works = ledger.works(connection, now, waiting, skip_locked=True, seller=ledger.seller)
        missing = [id_ for id_ in waiting if id_ not in works]
        there = _there(connection, ledger.seller, missing) if missing else set()
        results: Results = {
            id_: [_no_account(id_)] * len(waiting[id_]) for id_ in missing if id_ not in there
        }
        ready = _ready(connection, works)
        ids = [str(row.request_id) for id_ in ready for row in waiting[id_]]
        known = used_by_any(connection, ledger.seller, ids)
        charged = dict[str, tuple[Usage, UsageResult]]()
        for id_, work in ready.items():
            results[id_] = _charge_rows(work, waiting[id_], known, charged)
        if ready:
            first, *others = ready.values()
            first.lead({other.account.id: other for other in others})
            first.flush()
    rows = [pair for id_, some in results.items() for pair in zip(waiting[id_], some, strict=False)]
    refused = [(row, result.refusal) for row, result in rows if result.refusal is not None]
    refusals.note_all(ledger, refused, now)
    log.info("usage_batch", accounts=len(results), rows=len(rows))
    return results


def _no_account(id_: str) -> CommandResult:
    return CommandResult(refusal=Refusal(Rule.PURCHASE, f"there is no account {id_}"))


def _there(connection: Connection, seller: str, accounts: list[str]) -> set[str]:
    """Those of these accounts that the seller has. Another transaction has locked them."""
    query = select(AccountRow.id).where(
        one_of(AccountRow.id, accounts), AccountRow.seller == seller
    )
    return set(connection.execute(query).scalars())


def _ready(connection: Connection, works: Mapping[str, Work]) -> dict[str, Work]:
    """The accounts whose next command can run now: no step is due, and no test clock."""
    by_machine = {id_: work for id_, work in works.items() if work.clock is None}
    if not by_machine:
        return {}
    latest = max(work.now for work in by_machine.values())
    due = due_steps.accounts_with_due(connection, [*by_machine], latest)
    return {id_: work for id_, work in by_machine.items() if id_ not in due}


def _charge_rows(
    work: Work, rows: Sequence[Usage], known: Known, charged: dict[str, tuple[Usage, UsageResult]]
) -> list[CommandResult]:
    """Charge rows of an account until one of them sets off an automatic top-up.

    `charged`: the rows that this transaction has charged, by request id. It grows.
    """
    results = []
    for row in rows:
        results.append(_charge_row(work, row, known, charged))
        if work.sets_off_top_up():
            break
    return results


def _charge_row(
    work: Work, row: Usage, known: Known, charged: dict[str, tuple[Usage, UsageResult]]
) -> CommandResult:
    request_id = str(row.request_id)
    try:
        if request_id in known:
            return replay_of(row, *known[request_id])
        if request_id in charged:
            first, made = charged[request_id]
            return replay_of(row, first.fingerprint(), commands.stored(made))
        check_open(row, work.account)
        result = usage(work, row)
    except Refused as refused:
        return CommandResult(refusal=refused.refusal)
    assert isinstance(result.result, UsageResult)
    charged[request_id] = (row, result.result)
    return result
