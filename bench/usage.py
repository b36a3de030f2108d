"""Usage by the batch door: rows a second of one client, over few and over many accounts.

Each row has 5 decimals and its own request id. The rate is that of the client's method, with the
balances after each batch. The last figure repeats a batch that was charged, as after a crash.
"""

import time
from decimal import Decimal

from sqlalchemy import text

from activities.open_account import NewAccount, open_account
from bench.figures import Figure, Result, Say, at_least, of_rounds
from bench.site import site
from core.domain import policy
from core.domain.commands.usage import Usage
from core.domain.usage_batch import MOST_ROWS, RowOutcome
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial
from settings import Settings

#: The accounts of a measurement, and the bar of its rows a second.
_SHAPES = ((10, 1000), (100, 1000), (1000, 1000))


async def measure(quick: bool, say: Say) -> list[Result]:
    """Charge batches of 1,000 rows. `quick`: one round of few batches."""
    config, batches, rounds = Settings(), 2 if quick else 10, 1 if quick else 5
    figures = []
    with site() as here:
        async with Perennial.connect(here.database_url, here.temporal_address, config) as perennial:
            _open(perennial.ledger, max(accounts for accounts, _ in _SHAPES))
            for accounts, bar in _SHAPES:
                say(f"usage over {accounts} accounts")
                rates, client, database = list[float](), list[float](), list[float]()
                for number in range(rounds):
                    before = here.used()
                    rates.append(await _rate(perennial, accounts, batches, f"{accounts}/{number}"))
                    after, rows = here.used(), batches * MOST_ROWS
                    client.append((after.bench - before.bench) / rows * 1000)
                    database.append((after.database - before.database) / rows * 1000)
                over = f"a batch of {MOST_ROWS} over {accounts} accounts"
                figures.append(of_rounds(f"rows/s, {over}", rates, "/s", at_least(bar)))
                figures.append(of_rounds("… CPU of a row: client", client, "ms"))
                figures.append(of_rounds("… CPU of a row: PostgreSQL", database, "ms"))
            again = [await _rate(perennial, 100, batches, "100/0") for _ in range(rounds)]
            figures.append(of_rounds("rows/s, repeated, over 100 accounts", again, "/s"))
            wal_before = here.used().wal
            await _rate(perennial, 100, batches, "wal")
            wal = (here.used().wal - wal_before) / (batches * MOST_ROWS)
            figures.append(Figure("WAL of a row", wal, "B"))
            figures.append(Figure("ledger sum, off by", _off_by(perennial.ledger), "USD"))
    notes = (
        "One client sends one batch after the other. No worker runs, and none is needed.",
        "A row is one operation, two postings, one amount for the invoice, one line of history.",
    )
    return [Result("Usage in batches, by the Python client", figures, notes)]


def _open(ledger: Ledger, accounts: int) -> None:
    with ledger.transaction("terms") as connection:
        stored_terms.add_policy(connection, ledger.seller, policy.DEFAULT)
    for number in range(accounts):
        account = NewAccount(
            id=f"a{number:04}",
            seller=ledger.seller,
            currency="USD",
            timezone="Europe/Berlin",
            credits=Decimal(1_000_000),
        )
        open_account(ledger, account, machine_now())


async def _rate(perennial: Perennial, accounts: int, batches: int, name: str) -> float:
    """Rows a second. Raises RuntimeError if a row is refused."""
    rows = [
        [
            Usage(
                account=f"a{number % accounts:04}",
                amount=Decimal("0.00123"),
                text="a call",
                request_id=f"{name}/{batch}/{number}",
            )
            for number in range(MOST_ROWS)
        ]
        for batch in range(batches)
    ]
    begin = time.perf_counter()
    for some in rows:
        charged = await perennial.charge_usage_batch(some)
        if charged.count(RowOutcome.REFUSED) or charged.count(RowOutcome.UNKNOWN):
            raise RuntimeError("a row was not charged")
    return batches * MOST_ROWS / (time.perf_counter() - begin)


def _off_by(ledger: Ledger) -> float:
    with ledger.read() as connection:
        return float(connection.execute(text("SELECT sum(amount) FROM postings")).scalar_one())
