"""A window of the same renewals by DBOS. It is left out if DBOS is not installed.

`make bench-dbos` installs DBOS in `.venv-dbos/`, outside the pins of the project.
"""

import uuid
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.engine import make_url

from bench.site import Site, WorkerProcess, Workers, WorkerSpec
from bench.windows import Effort, Window, measured
from local import postgres
from settings import PROJECT

PYTHON = PROJECT / ".venv-dbos" / "bin" / "python"


def installed() -> bool:
    """Whether DBOS can be measured."""
    return PYTHON.exists()


async def window(
    here: Site, processes: int, subscriptions: Sequence[str], effort: Effort
) -> Window:
    """Measure a window of renewals by DBOS. Each process has its share of the subscriptions."""
    name = f"dbos_{uuid.uuid4().hex[:8]}"
    own = postgres.create_database(here.database_url, name)
    try:
        with Workers(
            [_starter(here, own, subscriptions[n::processes]) for n in range(processes)]
        ) as workers:
            return await measured(here, workers, effort)
    finally:
        postgres.drop_database(here.database_url, name)


def _starter(here: Site, own: str, subscriptions: Sequence[str]) -> Callable[[], WorkerProcess]:
    spec = WorkerSpec(
        "dbos",
        here.database_url,
        here.temporal_address,
        settings={"dbos": make_url(own).database},
        subscriptions=tuple(subscriptions),
    )
    return partial(WorkerProcess, spec, python=PYTHON, module="bench.dbos_worker")
