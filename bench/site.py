"""Where a bench runs: a throwaway stack, worker processes, and what all of them consume.

Nothing of it outlives the bench. The throwaway PostgreSQL does not wait for the disk. In all other
respects it is a normal one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from sqlalchemy import Engine, text

from core.ledger.database import connect, migrate
from doors.application import logs
from local import stack
from settings import PREFIX, PROJECT, Settings, settings

_KEPT = {"PERENNIAL_CACHE", "PERENNIAL_TEMPORAL_PROGRAM"}
_START_SECONDS = 60.0


def forget_configuration() -> None:
    """Forget the user's configuration. The bench measures the defaults on its own servers.

    From now on only warnings are logged.
    """
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in _KEPT]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    settings.cache_clear()
    logs.configure(Settings(log_level="WARNING"))


@dataclass(frozen=True, slots=True)
class Used:
    """What was consumed until an instant.

    `at`: the instant, in seconds of the monotonic clock.
    `server`, `database`, `worker`: CPU seconds of Temporal, PostgreSQL and the worker.
    `wal`: bytes of PostgreSQL's write-ahead log.
    `done`, `statements`, `round_trips`: the counts of the worker.
    """

    at: float
    server: float
    database: float
    wal: int
    worker: float = 0.0
    done: int = 0
    statements: int = 0
    round_trips: int = 0


class Site:
    """A running stack with an empty ledger."""

    def __init__(self, addresses: stack.Addresses) -> None:
        self.database_url = addresses.database_url
        self.temporal_address = addresses.temporal_address
        migrate(self.database_url)
        self.engine: Engine = connect(self.database_url, pool_size=2)
        ours = psutil.Process().children(recursive=True)
        self._server = [process for process in ours if _name(process).startswith("temporal")]
        databases = {process.pid: process for process in ours if _name(process) == "postgres"}
        self._database = [
            process for process in databases.values() if _parent(process) not in (None, *databases)
        ]

    def used(self, worker: "WorkerProcess | None" = None) -> Used:
        """What was consumed until now. `worker`: whose counts are included."""
        counts = worker.counts() if worker else Counts()
        with self.engine.connect() as connection:
            wal = int(
                connection.execute(
                    text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
                ).scalar_one()
            )
        return Used(
            at=time.monotonic(),
            server=sum(map(_cpu, self._server)),
            database=sum(map(_cpu_of_all, self._database)),
            wal=wal,
            worker=counts.cpu,
            done=counts.done,
            statements=counts.statements,
            round_trips=counts.round_trips,
        )


def _name(process: psutil.Process) -> str:
    """The name of a process. Empty if it has ended, as processes of connections do."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _cpu_of_all(process: psutil.Process) -> float:
    """CPU seconds of a process and its children. Children that have ended are included."""
    times = process.cpu_times()
    total = _cpu(process) + float(times.children_user + times.children_system)
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            total += _cpu(child)
    return total


@contextmanager
def site() -> Iterator[Site]:
    """A throwaway stack for the time of the block."""
    with stack.throwaway() as addresses:
        here = Site(addresses)
        try:
            yield here
        finally:
            here.engine.dispose()


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker process runs.

    `kind`: `renewals` for hurried subscriptions, `nothing` for no-ops.
    `database_url`, `temporal_address`: the servers that it connects to.
    `roles`: the roles of `doors.service.workers` that it has.
    `settings`: the settings that differ from the defaults, by name.
    """

    kind: str
    database_url: str
    temporal_address: str
    roles: tuple[str, ...] = ("workflows", "activities")
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a worker process has done until now.

    `done`: renewals or no-ops that are finished.
    `statements`, `round_trips`: SQL statements, and round trips to PostgreSQL.
    `cpu`: CPU seconds.
    `memory`: resident memory in bytes.
    """

    done: int = 0
    statements: int = 0
    round_trips: int = 0
    cpu: float = 0.0
    memory: int = 0


class WorkerProcess:
    """A process that runs workers. It ends with the block.

    It reads a pipe from this process, so it also ends when this process ends.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        command = [sys.executable, "-m", "bench.worker", json.dumps(asdict(spec))]
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> "WorkerProcess":
        self.counts()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=_START_SECONDS if kind is None else 5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def counts(self) -> Counts:
        """Ask the process for its counts. The first reply comes when its workers run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker process ended with status {self._process.wait()}")
        return Counts(**json.loads(line))


def machine() -> str:
    """The processor, cores, memory, system and Python of this machine, as text."""
    model = ""
    if (info := Path("/proc/cpuinfo")).exists():
        names = [
            line.partition(":")[2].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = f"{names[0]}, " if names else ""
    memory = psutil.virtual_memory().total / 2**30
    python = sys.version.split()[0]
    cores = psutil.cpu_count()
    return f"{model}{cores} cores, {memory:.0f} GiB, {sys.platform}, Python {python}"
