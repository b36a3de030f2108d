"""A campaign: rows per second, and what a row costs in statements and activities.

    python -m bench.campaigns            10,000 rows
    python -m bench.campaigns 1000

Every row extends a subscription by a cycle, with its workflow, by the workers of this process. The
rate of the campaign is the largest, so that it is never what a row waits for. The preview of the
same rows is timed before. A hundred subscriptions have one account.
"""

import asyncio
import sys
import time
from datetime import timedelta
from decimal import Decimal

from bench.large_account import PRICE, SKU, fill
from bench.tally import Tally
from core.domain import policy
from core.domain.campaigns import EACH, FASTEST
from core.domain.commands.extend import Extend
from core.ledger.clocks import machine_now
from core.ledger.database import migrate
from core.ledger.stored_terms import add_catalog, add_policy
from core.protocol.campaign_messages import campaign_workflow
from doors.application.perennial import Perennial
from doors.queries.campaigns import find_campaign
from doors.service.workers import ROLES, running
from local import stack
from settings import read_settings

OF_ACCOUNT = 100


async def measure(rows: int) -> None:
    """Run a campaign of so many rows, and print what it took."""
    config = read_settings()
    with stack.throwaway() as addresses:
        migrate(addresses.database_url)
        async with Perennial.connect(
            addresses.database_url, addresses.temporal_address, config
        ) as perennial:
            ids = _fill(perennial, rows)
            async with running(ROLES, perennial, config):
                await perennial.start_these(ids)
                pattern = Extend(subscription=EACH, cycles=1, request_id="bench")
                began = time.perf_counter()
                preview = await perennial.campaigns.preview(pattern, ids)
                print(f"preview: {_rate(rows, began)}, {preview.done} would be done", flush=True)
                tally = Tally()
                tally.watch(perennial.ledger.engine)
                began = time.perf_counter()
                started = await perennial.campaigns.start(pattern, ids, rate=FASTEST)
                print(f"written and started: {time.perf_counter() - began:.2f} s", flush=True)
                workflow = campaign_workflow(started.campaign)
                handle = perennial.temporal.get_workflow_handle(workflow)
                await handle.result()
                print(f"rows: {_rate(rows, began)}", flush=True)
                print(
                    f"{tally.statements / rows:.1f} statements and "
                    f"{tally.round_trips / rows:.1f} round trips a row, of the client and the use "
                    "case together",
                    flush=True,
                )
                history = await handle.fetch_history()
                batches = sum(
                    event.HasField("activity_task_scheduled_event_attributes")
                    for event in history.events
                )
                print(
                    f"{batches} batches and {len(history.events)} events in the last run of the "
                    "campaign, and one activity a row",
                    flush=True,
                )
            assert find_campaign(perennial.ledger, started.campaign).done == rows


def _fill(perennial: Perennial, rows: int) -> list[str]:
    """Accounts with a hundred subscriptions each, whose wallets cover one cycle more."""
    bought = machine_now() - timedelta(days=1)
    with perennial.ledger.engine.begin() as connection:
        add_policy(connection, perennial.config.seller, policy.load({}))
        add_catalog(connection, perennial.config.seller, [SKU])
    ids: list[str] = []
    for number in range(0, rows, OF_ACCOUNT):
        account, many = f"a{number}", min(OF_ACCOUNT, rows - number)
        fill(perennial.ledger, account, many, bought, PRICE * Decimal(many))
        ids += [f"{account}-first", *(f"{account}-{n}" for n in range(1, many))]
    # As support lists them: the rows of different accounts are mixed.
    return sorted(ids, key=lambda id_: (id_.partition("-")[2], id_))


def _rate(rows: int, began: float) -> str:
    seconds = time.perf_counter() - began
    return f"{seconds:.1f} s, {rows / seconds:.0f} rows/s"


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
