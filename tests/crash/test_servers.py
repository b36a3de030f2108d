"""PostgreSQL or the Temporal server is killed half way and restarted. The result is the same.

The worker stops itself (SIGSTOP) at a point. Then the server is killed and restarted. Then the
worker goes on with dead connections.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.ledger.database import connect, migrate
from local import postgres, stack, temporal
from settings import Settings
from tests.crash.conftest import Machine
from tests.crash.test_kills import SCENARIO, check


class Site:
    """An embedded stack as users run it. What its servers have confirmed survives a kill."""

    def __init__(self, home: Path) -> None:
        self.config = Settings(home=home)
        addresses = stack.up(self.config)
        migrate(addresses.database_url)
        self.machine = Machine(home, addresses.database_url, addresses.temporal_address)

    def kill_postgres(self) -> None:
        """Kill the postmaster and all of its processes (SIGKILL), and start PostgreSQL again."""
        found = postgres.status(self.config)
        assert found
        _kill(found.pid)
        assert postgres.up(self.config).url == self.machine.database_url

    def kill_temporal(self) -> None:
        """Kill the Temporal server (SIGKILL) and start it again."""
        found = temporal.status(self.config)
        assert found
        _kill(found.pid)
        assert temporal.up(self.config).address == self.machine.temporal_address


def _kill(pid: int) -> None:
    """Kill a server and its children (SIGKILL), and wait until they are gone."""
    server = psutil.Process(pid)
    family = [*server.children(recursive=True), server]
    for process in reversed(family):
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(family, timeout=300)


@pytest.fixture
def site(stack_home: Path) -> Iterator[Site]:
    """The test's own stack."""
    home = stack_home / "home"
    home.mkdir()
    found = Site(home)
    yield found
    stack.down(found.config)


#: In a local activity, in a regular one, and around the gateway. A kill before the commit rolls the
#: transaction back. After the commit it stays.
PLACES = (
    "renew.before_commit=STOP",
    "charge.after_call=STOP",
    "charge.after_commit:2=STOP",
    "extend.after_commit=STOP",
    "expire.before_commit=STOP",
)


def test_postgresql_is_killed_in_the_middle(site: Site, directly: Callable[[str], Any]) -> None:
    site.machine.prepare(SCENARIO)
    site.machine.run("worker", "player", fail_at=PLACES, stopped=site.kill_postgres)
    assert site.machine.stopped == len(PLACES)
    check(site.machine, directly)


def test_the_temporal_server_is_killed_in_the_middle(
    site: Site, directly: Callable[[str], Any]
) -> None:
    site.machine.prepare(SCENARIO)
    site.machine.run("worker", "player", fail_at=PLACES, stopped=site.kill_temporal)
    assert site.machine.stopped == len(PLACES)
    check(site.machine, directly)


def test_a_pool_finds_the_database_again_without_an_error(stack_home: Path) -> None:
    """The old server has closed the connections. The pool notices it before it uses one of them."""
    config = Settings(home=stack_home)
    engine = connect(postgres.up(config).url, pool_size=3)
    try:
        connections = [engine.connect() for _ in range(3)]
        for connection in connections:
            connection.close()
        postgres.down(config)
        postgres.up(config)
        for _ in range(3):
            with engine.connect() as connection:
                assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    finally:
        engine.dispose()
        postgres.down(config)
