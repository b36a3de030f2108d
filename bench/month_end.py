"""Month end: every customer of the example file has something to bill, and the workers bill it.

A third of the accounts are postpaid. Each has three calls in a month that is over, so its invoice
is due at once. The time runs from the start of two worker processes with all roles, to the last
number of an invoice. The relays of the two processes make the invoices. An account's workflow runs
only while the account has a next step, so none runs before and none is needed afterwards.
"""

import asyncio
import csv
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text

from activities.open_account import NewAccount, open_account
from activities.usage_batch import ACCOUNTS_AT_ONCE, charge_usage
from bench.figures import Figure, Result, Say, at_most
from bench.memory import FILE
from bench.site import Site, site, worker_program
from core.domain import policy
from core.domain.commands.usage import Usage
from core.domain.subscription import Mode
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from settings import Settings

PROCESSES = 2
_ROWS = 3
_LONGEST = 1800.0
_STATE = text(
    "SELECT count(*) AS invoices, count(number) AS numbered, coalesce(max(number), 0) AS last, "
    "count(DISTINCT account) AS accounts, "
    "(SELECT count(*) FROM monthly_amounts WHERE invoice IS NULL) AS waiting FROM invoices"
)


async def measure(quick: bool, say: Say) -> list[Result]:
    """Bill a month. `quick`: of the first 500 customers."""
    with FILE.open(newline="") as file:
        customers = sum(1 for _ in csv.DictReader(file))
    return [await asyncio.to_thread(_bill, 500 if quick else customers, say)]


def _bill(accounts: int, say: Say) -> Result:
    with site() as here:
        say(f"{accounts} accounts use something")
        ledger = Ledger(connect(here.database_url, pool_size=2), Settings().seller)
        try:
            _fill(ledger, accounts)
            say("the workers bill the month")
            before, begin = here.used(), time.monotonic()
            with _workers(here):
                row = _state(ledger)
                while row.numbered < accounts or row.waiting:
                    if time.monotonic() - begin > _LONGEST:
                        raise RuntimeError(f"{row.waiting} amounts still wait")
                    time.sleep(0.25)
                    row = _state(ledger)
                seconds, after = time.monotonic() - begin, here.used()
        finally:
            ledger.engine.dispose()
    figures = [
        Figure("accounts with something to bill", accounts),
        Figure("billed and numbered", seconds, "s", at_most(120)),
        Figure("invoices/s", accounts / seconds),
        Figure("invoices more than accounts", row.invoices - row.accounts, "", at_most(0)),
        Figure("gaps in their numbers", row.last - row.numbered, "", at_most(0)),
        Figure("amounts on no invoice", row.waiting, "", at_most(0)),
        Figure("CPU of Temporal's server", after.server - before.server, "s"),
        Figure("CPU of PostgreSQL", after.database - before.database, "s"),
        Figure("WAL of an invoice", (after.wal - before.wal) / accounts, "B"),
        Figure(
            "cores that all processes used", (after.machine - before.machine) / seconds, "cores"
        ),
    ]
    notes = (
        f"{PROCESSES} processes of `worker.py all`, jitter 0. Their start is part of the time.",
        f"{_ROWS} calls an account, a third of the accounts postpaid.",
    )
    return Result("A month end, by the background roles", figures, notes)


def _fill(ledger: Ledger, accounts: int) -> None:
    then = machine_now().replace(day=1) - timedelta(days=10)
    with ledger.transaction("terms") as connection:
        stored_terms.add_policy(connection, ledger.seller, policy.DEFAULT)
    ids = [f"a{number:05}" for number in range(accounts)]
    for number, id_ in enumerate(ids):
        account = NewAccount(
            id=id_,
            seller=ledger.seller,
            currency="USD",
            timezone="Europe/Berlin",
            credit_limit=Decimal(100),
            mode=Mode.POSTPAID if number % 3 == 0 else Mode.PREPAID,
        )
        open_account(ledger, account, then)
    for first in range(0, accounts, ACCOUNTS_AT_ONCE):
        some = ids[first : first + ACCOUNTS_AT_ONCE]
        charge_usage(replace(ledger, machine_now=lambda: then), then, _calls(some, then))


def _calls(accounts: list[str], then: datetime) -> dict[str, list[Usage]]:
    return {
        id_: [
            Usage(
                account=id_,
                amount=Decimal("0.12345"),
                text=f"calls of {then:%Y-%m-%d}",
                request_id=f"{id_}/{number}",
            )
            for number in range(_ROWS)
        ]
        for id_ in accounts
    }


def _state(ledger: Ledger) -> Row[Any]:
    with ledger.read() as connection:
        return connection.execute(_STATE).one()


@contextmanager
def _workers(here: Site) -> Iterator[None]:
    """Worker processes as in an installation, for the time of the block."""
    with ExitStack() as ends:
        for _ in range(PROCESSES):
            worker = worker_program(here, "all", jitter_seconds="0", log_level="ERROR")
            ends.enter_context(worker)
        yield
