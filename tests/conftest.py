"""Servers and databases for all tests.

One throwaway PostgreSQL and one throwaway Temporal server for each test process (each worker of pytest-xdist), started by the first
test that asks. Each test that asks for `database` gets a migrated database of its own. Whatever `PERENNIAL_*` is set to, tests do not
see it: they never touch real data.

Generated cases are the same in every run. `HYPOTHESIS_PROFILE=default make test` looks for new ones; what it finds becomes an `@example`.
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
"""Where programs are: not data, and needed to start servers."""


def pytest_configure() -> None:
    """Take the user's configuration out of this process, before any test module is imported."""
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in KEPT]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    settings.cache_clear()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL that lives as long as the test process."""
    with postgres.throwaway() as url:
        yield url


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """host:port of a Temporal server that keeps everything in memory and lives as long as the test process."""
    with temporal.throwaway() as address:
        yield address


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The name of a database with all migrations, to copy from."""
    from core.ledger.database import migrate

    name = "migrated_template"
    migrate(postgres.create_database(postgres_url, name))
    return name


@pytest.fixture
def database(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """The URL of a migrated database of this test's own; dropped afterwards, open connections or not."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(postgres_url, name, template=migrated_template)
    postgres.drop_database(postgres_url, name)


@pytest.fixture
def stack_home() -> Iterator[Path]:
    """An empty directory for an embedded stack. (Not `tmp_path`: pytest closes that to other users now and then, and as root PostgreSQL
    runs as another user.)"""
    home = Path(tempfile.mkdtemp(prefix="perennial-home-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)
