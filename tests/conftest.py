"""Servers and databases for all tests.

Each test process (each worker of pytest-xdist) has one throwaway PostgreSQL and one throwaway
Temporal server. The first test that needs a server starts it. A test that uses `database` finds a
migrated database without rows (`shared_database.py`). Tests do not see the variables `PERENNIAL_*`
and never touch real data.

Generated cases are the same in every run, and CI has more of them (`HYPOTHESIS_PROFILE=ci`).
`HYPOTHESIS_PROFILE=default make test` looks for new ones, and `many` plays five times as many. Each
failure that they find becomes an `@example`.
"""

import asyncio
import gc
import importlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
import structlog
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from local import postgres, temporal
from settings import PREFIX, PROJECT, Settings, settings
from tests.shared_database import NewDatabase, SharedDatabase

KEPT = {"PERENNIAL_CACHE", "PERENNIAL_TEMPORAL_PROGRAM", "PERENNIAL_PAYLOAD_PASSES"}
"""Variables that tests keep. They say where programs are, which the servers need, and whether the
SDK makes all of its passes (docs/decisions/0042)."""

SANDBOX = f"{PREFIX}WORKFLOW_SANDBOX"
"""The variable that keeps workflows in the sandbox. Processes that tests start inherit it."""

WAITING = {"machine", "played", "site", "stack_home"}
"""The fixtures of tests that wait most of their time: for time-outs after a kill, or for servers to
start and to stop. Others have the mark `waits`."""

LONGEST = (
    "test_a_worker_that_is_killed_at_every_activity",
    "test_a_worker_that_is_killed_around_every_call_of_the_gateway",
    "test_a_client_that_is_killed_at_every_commit",
    "test_a_client_that_is_killed_at_the_end_of_everything_it_does",
    "test_postgresql_is_killed_in_the_middle",
    "test_three_hundred_are_recovered_at_once_and_paused_on_the_way",
    "test_a_command_does_what_its_preview_says",
    "test_a_made_up_scenario_gives_the_same_by_both_engines",
    "test_a_made_up_scenario_comes_to_the_same_by_the_engine_and_by_the_naive_model",
    "test_axe_finds_nothing_and_no_page_is_wider_than_the_screen",
    "test_the_forecast_is_what_the_clock_then_shows",
    "test_a_flood_of_signals_is_carried_over_to_the_next_run",
    "test_nonsense_is_refused_and_changes_nothing",
    "test_no_request_finds_an_error_of_its_own",
    "test_rule_13_a_forecast_at_the_end_of_an_outage_begins_with_what_is_overdue",
)
"""Functions of tests that take more than ten seconds, the longest first.

They start first. Otherwise one of them could run alone at the end, while the other processors are
idle. The first four share machines that play side by side, so one process takes all of them.
"""

MEMORY = Path("/dev/shm")
"""Linux keeps the files of this directory in memory."""

MEMORY_BYTES = 2_000_000_000
"""The room that the files of the test servers may need, with a wide margin."""


def pytest_configure() -> None:
    """Remove the user's configuration from this process before any test module is imported.

    The workflows of the tests run in the sandbox, unlike those of production. The garbage collector
    has nothing to do until all modules are imported.
    """
    gc.disable()
    hypothesis.settings.register_profile("many", max_examples=500, deadline=None)
    hypothesis.settings.register_profile(
        "usual", hypothesis.settings.get_profile("ci"), max_examples=50
    )
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in KEPT]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    os.environ[SANDBOX] = "true"
    settings.cache_clear()


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Let each test process compile other modules first. Otherwise each one compiles all of them.

    A process reads what another has compiled. Only a fresh clone has anything to compile.
    """
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not isinstance(collector, pytest.Session) or not process:
        return
    modules = sorted(path.with_suffix("") for path in (PROJECT / "tests").rglob("test_*.py"))
    number, count = int(process.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in modules[number * len(modules) // count : (number + 1) * len(modules) // count]:
        importlib.import_module(".".join(path.relative_to(PROJECT).parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first. The others keep their order.

    The test processes begin with parts of the list (`--dist worksteal`). The first one begins with
    the tests that mostly wait. Meanwhile the others keep the processors busy.
    """
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(getattr(item, "originalname", item.name), len(LONGEST)))
    waiting, long, others = list[pytest.Item](), list[pytest.Item](), list[pytest.Item]()
    for item in items:
        if item.get_closest_marker("waits") or WAITING & set(getattr(item, "fixturenames", ())):
            waiting.append(item)
        else:
            (long if getattr(item, "originalname", item.name) in place else others).append(item)
    busy = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) - 1
    if busy:
        items[:] = in_parts([waiting, *(long[share::busy] for share in range(busy))], others)
    else:
        items[:] = [*waiting, *long, *others]


def pytest_collection_finish() -> None:
    """What is there before the first test stays. The garbage collector need not look through it."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 100)


def in_parts(beginnings: list[list[pytest.Item]], others: list[pytest.Item]) -> list[pytest.Item]:
    """All tests, in parts of the same size. Each part begins with one of the beginnings."""
    total, parted, left = sum(map(len, beginnings)) + len(others), list[pytest.Item](), others
    for number, beginning in enumerate(beginnings):
        size = (total - len(parted)) // (len(beginnings) - number)
        room = max(size - len(beginning), 0)
        parted += [*beginning, *left[:room]]
        left = left[room:]
    return [*parted, *left]


def in_memory() -> Path | None:
    """The directory for files in memory. None if there is none, or if it has not enough room.

    A test with a database copies some hundred files. On a disk that takes five times as long. Some
    tests run programs from their directory, so the file system must allow that.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    if os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES else None


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command switches logs off for its process, but not for the tests after it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database. Its PostgreSQL lives as long as the test process."""
    with postgres.throwaway(directory=in_memory()) as url:
        yield url


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """host:port of a Temporal server that lives as long as the test process.

    It keeps its data in memory.
    """
    with temporal.throwaway() as address:
        yield address


@pytest.fixture(scope="session")
def new_namespace(temporal_address: str) -> Callable[[], str]:
    """Makes a namespace of the Temporal server and returns its name.

    It is for a test whose workflows have the ids of others. A server of its own starts for longer.
    """

    async def register(name: str) -> None:
        a_day = timedelta(days=1)
        request = RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=a_day
        )
        client = await Client.connect(temporal_address)
        await client.workflow_service.register_namespace(request)

    def registered() -> str:
        name = f"new-{uuid.uuid4().hex}"
        asyncio.run(register(name))
        return name

    return registered


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The name of a migrated database. Tests get copies of it."""
    from core.ledger.database import migrate
    from tests.shared_database import compile_once, keep_connections, prepare

    compile_once()
    keep_connections()
    name = "migrated_template"
    url = postgres.create_database(postgres_url, name)
    migrate(url)
    prepare(url)
    return name


@pytest.fixture(scope="session")
def new_database(postgres_url: str, migrated_template: str) -> NewDatabase:
    """Makes a context of a migrated database, for what cannot use the one that all tests share.

    The context gives its URL. After the block it is dropped.
    """

    @contextmanager
    def created() -> Iterator[str]:
        name = f"new_{uuid.uuid4().hex}"
        url = postgres.create_database(postgres_url, name, template=migrated_template)
        try:
            yield url
        finally:
            postgres.drop_database(postgres_url, name)

    return created


@pytest.fixture(scope="session")
def shared_database(postgres_url: str, migrated_template: str) -> Iterator[SharedDatabase]:
    """The database that the tests of this process share."""
    shared = SharedDatabase(postgres_url, migrated_template)
    yield shared
    shared.drop()


@pytest.fixture
def database(shared_database: SharedDatabase) -> Iterator[str]:
    """The URL of a migrated database without rows, which this test has for itself."""
    yield shared_database.lend()
    shared_database.take_back()


@pytest.fixture
def stack_home() -> Iterator[Path]:
    """An empty directory for an embedded stack.

    `tmp_path` is not used, because other users may not enter it. Under root, PostgreSQL runs as
    another user.
    """
    home = Path(tempfile.mkdtemp(prefix="perennial-home-", dir=in_memory()))
    yield home
    shutil.rmtree(home, ignore_errors=True)
