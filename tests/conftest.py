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

from local import postgres, temporal
from settings import PREFIX, Settings, settings

KEPT = {"PERENNIAL_CACHE", "PERENNIAL_TEMPORAL_PROGRAM"}
"""Variables that tests keep. They say where programs are, which the servers need."""


def pytest_configure() -> None:
    """Remove the user's configuration from this process before any test module is imported."""
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in KEPT]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    settings.cache_clear()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database. Its PostgreSQL lives as long as the test process."""
    with postgres.throwaway() as url:
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
    home = Path(tempfile.mkdtemp(prefix="perennial-home-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)
