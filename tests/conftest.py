"""Servers and databases for all tests.

Each test process (each worker of pytest-xdist) has one throwaway PostgreSQL and one throwaway
Temporal server. The first test that needs a server starts it. Each test that uses `database` gets
its own migrated database. Tests do not see the variables `PERENNIAL_*` and never touch real data.

Generated cases are the same in every run. `HYPOTHESIS_PROFILE=default make test` looks for new
ones. Each failure that it finds becomes an `@example`.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from local import postgres, temporal
from settings import PREFIX, Settings, settings

KEPT = {"PERENNIAL_CACHE", "PERENNIAL_TEMPORAL_PROGRAM"}
"""Variables that tests keep. They say where programs are, which the servers need."""

SANDBOX = f"{PREFIX}WORKFLOW_SANDBOX"
"""The variable that keeps workflows in the sandbox. Processes that tests start inherit it."""

LONGEST = (
    "test_a_worker_that_is_killed_at_every_activity",
    "test_a_worker_that_is_killed_around_every_call_of_the_gateway",
    "test_postgresql_is_killed_in_the_middle",
    "test_a_made_up_scenario_gives_the_same_by_both_engines",
    "test_a_made_up_scenario_comes_to_the_same_by_the_engine_and_by_the_naive_model",
    "test_a_flood_of_signals_is_carried_over",
    "test_a_client_that_is_killed_at_every_commit",
)
"""Functions of tests that take more than ten seconds, the longest first.

They start first. Otherwise one of them could run alone at the end, while the other processors are
idle.
"""

MEMORY = Path("/dev/shm")
"""Linux keeps the files of this directory in memory."""

MEMORY_BYTES = 2_000_000_000
"""The room that the files of the test servers may need, with a wide margin."""


def pytest_configure() -> None:
    """Remove the user's configuration from this process before any test module is imported.

    The workflows of the tests run in the sandbox, unlike those of production.
    """
    hypothesis.settings.register_profile("many", max_examples=2_000, deadline=None)
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in KEPT]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    os.environ[SANDBOX] = "true"
    settings.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first. The others keep their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(getattr(item, "originalname", item.name), len(LONGEST)))


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
def migrated_template(postgres_url: str) -> str:
    """The name of a migrated database. Tests get copies of it."""
    from core.ledger.database import migrate

    name = "migrated_template"
    migrate(postgres.create_database(postgres_url, name))
    return name


@pytest.fixture
def database(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """The URL of this test's own migrated database. It is dropped afterwards, even if in use."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(postgres_url, name, template=migrated_template)
    postgres.drop_database(postgres_url, name)


@pytest.fixture
def stack_home() -> Iterator[Path]:
    """An empty directory for an embedded stack.

    `tmp_path` is not used, because other users may not enter it. Under root, PostgreSQL runs as
    another user.
    """
    home = Path(tempfile.mkdtemp(prefix="perennial-home-", dir=in_memory()))
    yield home
    shutil.rmtree(home, ignore_errors=True)
