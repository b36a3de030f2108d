"""Machines for the crash tests.

A machine has its own database, its own namespace of a Temporal server, and a host of processes that
can be killed.
"""

import asyncio
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.ledger import failpoints
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial
from settings import Settings
from tests.crash import processes, state
from tests.crash.warm import warm
from tests.shared_database import NewDatabase

#: A machine that runs longer than this has hung. It is killed and the test fails.
LONGEST_SECONDS = 540.0

#: With these settings the work of a killed worker is soon retried. A worker keeps no workflow in
#: memory, so the server never waits for a killed one before it asks the next (sticky queue). The
#: client is patient for as long as the machine may run. No speed of the machine ends a call.
QUICK = {
    "activity_seconds": "1.5",
    "workflow_task_seconds": "1.5",
    "workflow_cache": "0",
    "jitter_seconds": "0",
    "activity_threads": "4",
    "patience_seconds": str(LONGEST_SECONDS),
}


HOST = "import sys; from tests.crash.host import main; raise SystemExit(main(*sys.argv[1:]))"
"""The program of a host."""
SCENARIO = (Path(__file__).parent / "scenario.yaml").read_text()


class PowerCutError(Exception):
    """All processes of a machine were killed at the same time, and none was restarted."""


@dataclass
class Machine:
    """A home directory, a database, a namespace of Temporal, and the processes on them."""

    home: Path
    database_url: str
    temporal_address: str
    namespace: str = "default"
    told: list[dict[str, Any]] = field(default_factory=list)

    def prepare(self, scenario: str) -> None:
        """Write the scenario that the client plays."""
        (self.home / processes.SCENARIO).write_text(scenario)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger in the machine's database."""
        ledger = Ledger(connect(self.database_url, pool_size=2))
        try:
            yield ledger
        finally:
            ledger.engine.dispose()

    @asynccontextmanager
    async def perennial(self) -> AsyncIterator[Perennial]:
        """A client of the machine's servers."""
        config = Settings(
            database_url=self.database_url,
            temporal_address=self.temporal_address,
            temporal_namespace=self.namespace,
        )
        async with processes.connected(config) as perennial:
            yield perennial

    def run(
        self, *roles: str, fail_at: Iterable[str] = (), stopped: Callable[[], None] | None = None
    ) -> None:
        """Run processes until the one that has an end has finished.

        `roles`: the processes. Default: a worker and the client.
        `fail_at`: the points at which a process is killed or stopped.
        `stopped`: called each time a process has stopped. Then the process goes on.
        """
        points = self.home / "points"
        points.mkdir(exist_ok=True)
        environment = os.environ | {
            f"PERENNIAL_{name.upper()}": value for name, value in QUICK.items()
        }
        environment |= {
            "PERENNIAL_DATABASE_URL": self.database_url,
            "PERENNIAL_TEMPORAL_ADDRESS": self.temporal_address,
            "PERENNIAL_TEMPORAL_NAMESPACE": self.namespace,
        }
        environment |= {failpoints.DIRECTORY: str(points), failpoints.FAIL_AT: ",".join(fail_at)}
        before = len(self.told)
        arguments = ["-c", HOST, str(self.home), *(roles or ("worker", "player"))]
        read, typed = os.pipe()
        shown, written = os.pipe()
        with (
            (self.home / "log").open("ab") as log,
            open(typed, "w") as to_host,
            open(shown) as from_host,
        ):
            host = warm().start(arguments, environment, read, written, log.fileno())
            os.close(read)
            os.close(written)
            watch = threading.Timer(LONGEST_SECONDS, os.killpg, (host, signal.SIGKILL))
            watch.start()
            try:
                # The output ends when the host does. Its children have none.
                for line in from_host:
                    self.told.append(json.loads(line))
                    if "stopped" in self.told[-1] and stopped is not None:
                        try:
                            stopped()
                        except PowerCutError:
                            os.killpg(host, signal.SIGKILL)
                            from_host.read()
                            return
                        to_host.write("go on\n")
                        to_host.flush()
            finally:
                watch.cancel()
        last = self.told[before:][-3:]
        assert last[-1:] == [{"ended": 0}], f"{last}\n{(self.home / 'log').read_text()[-6000:]}"

    def power_cut(self) -> None:
        """Use it as `stopped`. It kills all processes, and none is restarted."""
        raise PowerCutError

    @property
    def killed(self) -> Counter[str]:
        """How often a process of each role was killed."""
        return Counter(told["killed"] for told in self.told if "killed" in told)

    @property
    def stopped(self) -> int:
        """How often a process has stopped itself (SIGSTOP)."""
        return sum("stopped" in told for told in self.told)

    @property
    def reached(self) -> dict[str, int]:
        """The points that were reached, each with how often."""
        return {path.name: path.stat().st_size for path in sorted((self.home / "points").iterdir())}

    def outcome(self) -> dict[str, Any]:
        """The outcome of the scenario. No invariant may be violated."""
        with self.ledger() as ledger:
            assert state.violations(ledger) == []
            return state.outcome(ledger, self.home)


@pytest.fixture(scope="session")
def warmed_up(new_database: NewDatabase) -> None:
    """The warm process has played the scenario once. So it has compiled what machines need."""
    with new_database() as url:
        warm().play(SCENARIO, url)


@pytest.fixture
def machine(
    warmed_up: None,
    database: str,
    temporal_address: str,
    new_namespace: Callable[[], str],
    tmp_path: Path,
) -> Machine:
    """A machine. No other test uses its database or its namespace."""
    return Machine(tmp_path, database, temporal_address, new_namespace())


@pytest.fixture(scope="session")
def directly(
    new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """The outcome of a scenario by the direct engine, which is not killed."""

    @cache
    def play(scenario: str) -> Any:
        with new_database() as url:
            machine = Machine(tmp_path_factory.mktemp("direct"), url, "")
            machine.prepare(scenario)
            with machine.ledger() as ledger:
                asyncio.run(
                    processes.play_on(
                        processes.scenario_of(machine.home),
                        ledger,
                        processes.direct(ledger),
                        machine.home,
                    )
                )
            return machine.outcome()

    return play
