"""Where a bench runs: a throwaway stack, worker processes, and what all of them consume.

Nothing of it outlives the bench. The throwaway PostgreSQL does not wait for the disk. In all other
respects it is a normal one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

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
    `server`, `database`: CPU seconds of the Temporal server, and of Perennial's PostgreSQL.
    `server_database`: CPU seconds of the server's PostgreSQL, if it has one.
    `machine`, `bench`: CPU seconds of all processes of this machine, and of this process.
    `wal`: bytes of the write-ahead log of Perennial's PostgreSQL.
    `worker`, `done`, `statements`, `round_trips`: the counts of the workers.
    """

    at: float
    server: float
    database: float
    server_database: float
    machine: float
    bench: float
    wal: int
    worker: float = 0.0
    done: int = 0
    statements: int = 0
    round_trips: int = 0

    @property
    def others(self) -> float:
        """CPU seconds of processes that do not belong to the bench."""
        ours = self.server + self.database + self.server_database + self.worker + self.bench
        return self.machine - ours


class Site:
    """A running stack with an empty ledger.

    `server_database`: the directory of the PostgreSQL of the Temporal server, if it has one.
    """

    def __init__(self, addresses: stack.Addresses, server_database: Path | None = None) -> None:
        self.database_url = addresses.database_url
        self.temporal_address = addresses.temporal_address
        migrate(self.database_url)
        self.engine: Engine = connect(self.database_url, pool_size=2)
        ours = psutil.Process().children(recursive=True)
        self._server = [process for process in ours if _name(process).startswith("temporal")]
        postgres = {process.pid: process for process in ours if _name(process) == "postgres"}
        roots = [one for one in postgres.values() if _parent(one) not in {*postgres, None}]
        self._server_database = [
            process for process in roots if server_database and _is_in(process, server_database)
        ]
        self._database = [process for process in roots if process not in self._server_database]

    def used(self, workers: "Workers | None" = None) -> Used:
        """What was consumed until now. `workers`: whose counts are included."""
        counts = workers.counts() if workers else Counts()
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
            server_database=sum(map(_cpu_of_all, self._server_database)),
            machine=_machine_cpu(),
            bench=_cpu(psutil.Process()),
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
    """The id of the parent. None if the process has ended."""
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _is_in(process: psutil.Process, directory: Path) -> bool:
    """Whether the command line of a process names a file in a directory."""
    with suppress(psutil.NoSuchProcess):
        return any(part.startswith(str(directory)) for part in process.cmdline())
    return False


def _machine_cpu() -> float:
    """CPU seconds of all processes, also of those with a low priority."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - guests)


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
def site(*, on_disk: bool = False) -> Iterator[Site]:
    """A throwaway stack for the time of the block.

    `on_disk`: its Temporal server keeps its data in a file. Default: in memory.
    """
    with stack.throwaway(on_disk=on_disk) as addresses:
        here = Site(addresses)
        try:
            yield here
        finally:
            here.engine.dispose()


@contextmanager
def worker_program(
    here: Site, *roles: str, output: int | BinaryIO = subprocess.DEVNULL, **values: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of `worker.py`, as in an installation. It ends with the block.

    `output`: where its output goes. Default: nowhere. `values`: settings, such as `log_level`.
    """
    environment = os.environ | {
        "PERENNIAL_DATABASE_URL": here.database_url,
        "PERENNIAL_TEMPORAL_ADDRESS": here.temporal_address,
        **{f"{PREFIX}{name.upper()}": value for name, value in values.items()},
    }
    process = subprocess.Popen(
        [sys.executable, "worker.py", *roles],
        cwd=PROJECT,
        env=environment,
        stdout=output,
        stderr=None if output == subprocess.DEVNULL else output,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker process runs.

    `kind`: `renewals` for hurried subscriptions, `nothing` for no-ops, `herd` for subscriptions
    that renew once, `dbos` for the same renewals by DBOS.
    `database_url`, `temporal_address`: the servers that it connects to.
    `roles`: the roles of `doors.service.workers` that it has.
    `settings`: the settings that differ from the defaults, by name.
    `herd`: when the herd is due, as seconds since 1970, and over how many seconds.
    `subscriptions`: the subscriptions of the process. Only DBOS needs them.
    """

    kind: str
    database_url: str
    temporal_address: str
    roles: tuple[str, ...] = ("workflows", "activities")
    settings: dict[str, Any] = field(default_factory=dict)
    herd: tuple[float, float] = (0.0, 0.0)
    subscriptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What a worker process has done until now.

    `done`: renewals or no-ops that are finished.
    `runs`: runs of workflows that it has loaded into memory.
    `statements`, `round_trips`: SQL statements, and round trips to PostgreSQL.
    `cpu`: CPU seconds.
    `memory`: resident memory in bytes.
    """

    done: int = 0
    statements: int = 0
    round_trips: int = 0
    cpu: float = 0.0
    memory: int = 0
    runs: int = 0


class WorkerProcess:
    """A process that runs workers. It ends with the block.

    It reads a pipe from this process, so it also ends when this process ends.
    """

    def __init__(
        self, spec: WorkerSpec, *, python: Path | None = None, module: str = "bench.worker"
    ) -> None:
        program = str(python or sys.executable)
        self._process = subprocess.Popen(
            [program, "-m", module, json.dumps(asdict(spec))],
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


class Workers:
    """Several worker processes with the same work. They end with the block.

    `start`: makes each of them.
    """

    def __init__(self, start: Sequence[Callable[[], WorkerProcess]]) -> None:
        self._start = start
        self._processes: list[WorkerProcess] = []
        self._ends = ExitStack()

    def __enter__(self) -> "Workers":
        with self._ends:
            started = [start() for start in self._start]
            self._processes = [self._ends.enter_context(process) for process in started]
            self._ends = self._ends.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.__exit__(kind, error, trace)

    def each(self) -> list[Counts]:
        """The counts of each process."""
        return [process.counts() for process in self._processes]

    def counts(self) -> Counts:
        """The counts of all processes together. The memory is that of the largest one."""
        each = self.each()
        return Counts(
            done=sum(counts.done for counts in each),
            statements=sum(counts.statements for counts in each),
            round_trips=sum(counts.round_trips for counts in each),
            cpu=sum(counts.cpu for counts in each),
            memory=max(counts.memory for counts in each),
            runs=sum(counts.runs for counts in each),
        )


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
