"""The monthly invoices of many accounts in one transaction (Rules 10.1, 11.4).

Each account gets what its step `monthly_invoice` would give it. An account is left to that step if
something else of it comes first (Rule 1.7). An account that another transaction has locked is
skipped. The caller comes back to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from activities.steps.monthly_invoice import invoice_months
from core.domain.events import Event
from core.domain.monthly_invoice import make_invoice, monthly_step
from core.domain.steps import StepKind, of_account
from core.ledger import due_steps
from core.ledger.ledger import Ledger

log = structlog.get_logger()

ACCOUNTS_AT_ONCE = 100
"""So many accounts are locked by one transaction at most."""


@dataclass(frozen=True, slots=True)
class Billed:
    """What became of some accounts.

    `done`: how many invoices of a month were made, one for each account.
    `busy`: the accounts that another transaction has locked.
    `left`: the accounts of which something else comes first, or which have nothing to invoice now.
    """

    done: int = 0
    busy: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def bill_month(ledger: Ledger, now: datetime, accounts: Sequence[str]) -> Billed:
    """Make the oldest monthly invoice that is due of each account, at most `ACCOUNTS_AT_ONCE`.

    `now`: the instant (UTC) of the caller. The machine's clock is read after the locks (Rule 13).

    The accounts are locked in the order of their ids. The transaction is undone as a whole when
    anything raises. Run again, it finds the steps done and makes no second invoice.
    """
    with ledger.transaction("bill_month") as connection:
        works = ledger.works(connection, now, accounts, skip_locked=True)
        busy = tuple(sorted(set(accounts) - works.keys()))
        if not works:
            return Billed(busy=busy)
        latest = max(work.now for work in works.values())
        first = due_steps.first_of_each(connection, works.keys(), latest)
        ready = {
            id_: work
            for id_, work in works.items()
            if work.clock is None
            and (step := first.get(id_)) is not None
            and step.kind is StepKind.MONTHLY_INVOICE
            and (step.subject, step.version) == (of_account(id_), work.account.version)
            and step.due <= work.now
        }
        if ready:
            leader, *others = ready.values()
            leader.lead({other.account.id: other for other in others})
            for id_, operations in invoice_months([*ready.values()]).items():
                work = ready[id_]
                own = monthly_step(work.account, work.policy)
                assert own is not None
                for operation in operations:
                    work.event(Event.INVOICED, own.rule, operation=operation, why=own.why)
                work.save_account(make_invoice(work.account))
            leader.flush()
    log.info("month_billed", accounts=len(ready), busy=len(busy))
    left = tuple(id_ for id_ in works if id_ not in ready)
    return Billed(len(ready), busy, left)
