"""The renewals by DBOS: `python -m bench.dbos_worker SPEC`, in the virtual environment of DBOS.

Each subscription is a durable workflow of DBOS that sleeps for a second and then renews by a step.
The step is the same SQL that Perennial runs, in a transaction of its own. DBOS keeps its state in a
database of its own on the same PostgreSQL. The process prints its counts as `bench.worker` does.
"""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime

# DBOS is not among the packages of the project. `make bench-dbos` installs it.
from dbos import DBOS, SetWorkflowID  # type: ignore[import-not-found]
from sqlalchemy.engine import make_url

from activities.registry import Activities
from bench.shop import renew_one
from bench.site import WorkerSpec, forget_configuration
from bench.tally import Tally
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.clocks import machine_now
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from settings import Settings

_SECONDS = 1.0


async def main(spec: WorkerSpec) -> None:
    """Run the workflows of the subscriptions until the standard input ends."""
    config, tally = Settings(), Tally()
    ledger = Ledger(connect(spec.database_url, pool_size=config.activity_threads), config.seller)
    activities = Activities(ledger, SimulatedCards(ledger.engine))
    tally.watch(ledger.engine)
    threads = ThreadPoolExecutor(config.activity_threads)

    def renew(subscription: str, version: int, due: datetime) -> tuple[int, datetime]:
        renewed = renew_one(activities, subscription, version, due)
        assert renewed.next_step is not None
        tally.done += 1
        return renewed.version, renewed.next_step.due

    @DBOS.step()  # type: ignore[untyped-decorator]
    async def renewal(subscription: str, version: int, due: datetime) -> tuple[int, datetime]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, renew, subscription, version, due)

    @DBOS.workflow()  # type: ignore[untyped-decorator]
    async def live(subscription: str, version: int, due: datetime) -> None:
        while True:
            await DBOS.sleep_async(_SECONDS)
            version, due = await renewal(subscription, version, due)

    own = make_url(spec.database_url).set(database=spec.settings["dbos"])
    DBOS(
        config={
            "name": "bench",
            "system_database_url": own.render_as_string(hide_password=False),
            "sys_db_pool_size": config.activity_threads,
            "executor_id": str(os.getpid()),
            "log_level": "WARNING",
            "run_admin_server": False,
        }
    )
    DBOS.launch()
    for snapshot, *_ in ledger.snapshots(list(spec.subscriptions), machine_now()):
        assert snapshot.next_step is not None
        one = snapshot.subscription.id, snapshot.version, snapshot.next_step.due
        with SetWorkflowID(f"{os.getpid()}/{one[0]}"):
            await DBOS.start_workflow_async(live, *one)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(asdict(tally.counts())), flush=True)
    # Workflows and threads of DBOS never end by themselves.
    os._exit(0)


if __name__ == "__main__":
    forget_configuration()
    asyncio.run(main(WorkerSpec(**json.loads(sys.argv[1]))))
