"""A campaign: rows per second, what a row costs, and what it costs to tell the workflows.

    python -m bench.campaigns            10,000 rows
    python -m bench.campaigns 1000
    python -m bench.campaigns 10000 --no-preview

Every row extends a subscription by a cycle. One process of `worker.py all` carries the rows out, as
in an installation. The rate of the campaign is the largest, so that it is never what a row waits
for. The preview of the same rows is timed before. The subscriptions belong to a hundred accounts.
The workflows that the relay has not told by then are told all at once, after the rows.
"""

import asyncio
import sys
import time
from datetime import timedelta
from decimal import Decimal

import psutil
from sqlalchemy import text

from bench.large_account import PRICE, SKU, fill
from bench.site import Used, forget_configuration, site, worker_program
from core.domain import policy
from core.domain.campaigns import EACH, FASTEST
from core.domain.commands.extend import Extend
from core.ledger.clocks import machine_now
from core.ledger.stored_terms import add_catalog, add_policy
from core.protocol.campaign_messages import campaign_workflow
from doors.application.perennial import Perennial
from doors.queries.campaigns import find_campaign
from settings import Settings

ACCOUNTS = 100
#: Workflows are served in their turn. So many of the last ones are asked.
_ASKED = 100


async def measure(rows: int, *, with_preview: bool = True) -> None:
    """Run a campaign of so many rows, and print what it took."""
    with site() as here:
        async with Perennial.connect(
            here.database_url, here.temporal_address, Settings()
        ) as perennial:
            ids = _fill(perennial, rows)
            pattern = Extend(subscription=EACH, cycles=1, request_id="bench")
            if with_preview:
                began, before = time.perf_counter(), here.used()
                preview = await perennial.campaigns.preview(pattern, ids)
                print(f"preview: {_rate(rows, began)}, {preview.done} would be done", flush=True)
                _print_cpu(rows, before, here.used())
            with worker_program(here, "all", log_level="ERROR") as worker:
                await perennial.start_these(ids)
                await _settled(perennial, ids)
                worked, before = _cpu(worker.pid), here.used()
                began = time.perf_counter()
                started = await perennial.campaigns.start(pattern, ids, rate=FASTEST)
                print(f"written and started: {time.perf_counter() - began:.2f} s", flush=True)
                workflow = campaign_workflow(started.campaign)
                handle = perennial.temporal.get_workflow_handle(workflow)
                await handle.result()
                print(f"rows: {_rate(rows, began)}", flush=True)
                _print_cpu(rows, before, here.used(), _cpu(worker.pid) - worked)
                untold = await asyncio.to_thread(_untold, perennial)
                print(f"the relay has told {rows - untold} workflows meanwhile", flush=True)
                worked, before, began = _cpu(worker.pid), here.used(), time.perf_counter()
                if told := await perennial.tell():
                    await _settled(perennial, ids)
                    print(f"{told} workflows are told: {_rate(told, began)}", flush=True)
                    _print_cpu(told, before, here.used(), _cpu(worker.pid) - worked)
                history = await handle.fetch_history()
                batches = sum(
                    event.HasField("activity_task_scheduled_event_attributes")
                    for event in history.events
                )
                print(
                    f"{batches} batches and {len(history.events)} events in the last run of the "
                    "campaign",
                    flush=True,
                )
            assert find_campaign(perennial.ledger, started.campaign).done == rows


def _fill(perennial: Perennial, rows: int) -> list[str]:
    """Accounts with many subscriptions each, whose wallets cover one cycle more."""
    bought, of_account = machine_now() - timedelta(days=1), max(1, rows // ACCOUNTS)
    with perennial.ledger.engine.begin() as connection:
        add_policy(connection, perennial.config.seller, policy.load({}))
        add_catalog(connection, perennial.config.seller, [SKU])
    ids: list[str] = []
    for number in range(0, rows, of_account):
        account, many = f"a{number}", min(of_account, rows - number)
        fill(perennial.ledger, account, many, bought, PRICE * Decimal(many))
        ids += [f"{account}-first", *(f"{account}-{n}" for n in range(1, many))]
    # As support lists them: the rows of different accounts are mixed.
    return sorted(ids, key=lambda id_: (id_.partition("-")[2], id_))


async def _settled(perennial: Perennial, ids: list[str]) -> None:
    """Wait until the workflows have done what they were started or told for."""
    for id_ in ids[-_ASKED:]:
        await perennial.state(id_)


def _untold(perennial: Perennial) -> int:
    with perennial.ledger.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM tellings")).scalar_one())


def _cpu(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def _print_cpu(rows: int, before: Used, after: Used, worker: float = 0.0) -> None:
    seconds = after.at - before.at
    print(
        "CPU of each, ms: "
        f"client {(after.bench - before.bench) / rows * 1000:.1f}, "
        f"worker {worker / rows * 1000:.1f}, "
        f"Temporal's server {(after.server - before.server) / rows * 1000:.1f}, "
        f"PostgreSQL {(after.database - before.database) / rows * 1000:.1f}; "
        f"cores that others used {(after.others - before.others - worker) / seconds:.1f}",
        flush=True,
    )


def _rate(rows: int, began: float) -> str:
    seconds = time.perf_counter() - began
    return f"{seconds:.1f} s, {rows / seconds:.0f} rows/s"


if __name__ == "__main__":
    forget_configuration()
    counts = [int(word) for word in sys.argv[1:] if word.isdigit()]
    asyncio.run(measure(*counts[:1] or [10_000], with_preview="--no-preview" not in sys.argv))
