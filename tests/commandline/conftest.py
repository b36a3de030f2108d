"""The command line on servers of the test. The workers run in a thread of this process."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from settings import read_settings
from starter import app

CATALOG = """
catalog:
  - {sku: PRO, application: phone, kind: application, months: 1,
     prices: {USD: "50.00", JPY: "5000"}, trial_days: 7}
  - {sku: BIZ, application: phone, kind: application, months: 1, prices: {USD: "90.00"}}
  - {sku: YEAR, application: desk, kind: application, months: 12, prices: {USD: "370.00"}}
  - {sku: SEAT, kind: addon, months: 1, prices: {USD: "10.00"}}
  - {sku: DID, kind: number, months: 1, prices: {USD: "10.00"}, activation_fee: {USD: "5.00"}}
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which is JSON and nothing else."""
        return json.loads(self.out)


Run = Callable[..., Answer]

testing._get_command = cache(testing._get_command)
"""Typer makes all commands anew for each call, which takes most of its time. Here they are kept."""


@cache
def top() -> Any:
    """The command `starter.py`, which holds all others."""
    return get_command(app)


def call(*arguments: str, answer: str | None = None) -> Answer:
    """Run a command in this process. It ends with a documented code and without a trace."""
    result = CliRunner().invoke(app, list(arguments), input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    told = Answer(result.exit_code, result.stdout, result.stderr)
    assert told.code in (0, 1, 2, 3)
    assert "Traceback" not in told.out + told.err
    assert "error of its own" not in told.err, told.err
    if told.code:
        assert told.err.strip(), "an error says what happened"
    return told


@pytest.fixture
def installation(
    database: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    """A migrated database and own task queues, without workers. Returns the task queue."""
    queue = f"cli-{uuid.uuid4().hex[:12]}"
    for name, value in {
        "DATABASE_URL": database,
        "TEMPORAL_ADDRESS": temporal_address,
        "TASK_QUEUE": queue,
        "CHARGE_TASK_QUEUE": f"{queue}-charge",
        "JITTER_SECONDS": "0",
        "ACTIVITY_THREADS": "4",
        "HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(f"PERENNIAL_{name}", value)
    monkeypatch.chdir(tmp_path)
    return queue


@pytest.fixture
def workers(installation: str, database: str, temporal_address: str) -> Iterator[None]:
    """All workers, in a thread of this process."""
    config = read_settings()
    ready = threading.Event()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def host() -> None:
        async with (
            Perennial.connect(database, temporal_address, config) as perennial,
            running(ROLES, perennial, config),
        ):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(host()), name="workers")
    thread.start()
    assert ready.wait(300)
    yield
    loop.call_soon_threadsafe(stop.set)
    thread.join(300)
    loop.close()


@pytest.fixture
def unique() -> str:
    """The prefix of this test's ids. Workflow ids are unique on the server that tests share."""
    return f"t{uuid.uuid4().hex[:8]}-"


@pytest.fixture
def shop(workers: None, tmp_path: Path, unique: str) -> "Shop":
    """A catalogue, a test clock at 2021-01-15, and an account on it with 100.00 USD."""
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    opened = Shop(unique)
    assert opened.run("catalog", "load", str(tmp_path / "catalog.yaml")).code == 0
    assert opened.run("clock", "new", opened.clock, "--at", "2021-01-15").code == 0
    opened.account("100.00")
    return opened


class Shop:
    """An account and its subscriptions, by the command line."""

    def __init__(self, unique: str) -> None:
        self.clock, self.acme, self.s1, self.s2 = (
            unique + name for name in ("clock", "acme", "s1", "s2")
        )

    def run(self, *arguments: str, answer: str | None = None) -> Answer:
        """A command."""
        return call(*arguments, answer=answer)

    def account(self, credits_: str, *more: str) -> None:
        """Open the account on the clock."""
        told = self.run(
            "account",
            "new",
            self.acme,
            "--currency",
            "USD",
            "--timezone",
            "UTC",
            "--credits",
            credits_,
            "--clock",
            self.clock,
            "--owner",
            "Ada Lim",
            "--billing-email",
            "ada@acme.example",
            *more,
        )
        assert told.code == 0, told.err

    def buy(self, *more: str, sku: str = "PRO") -> None:
        """Buy s1."""
        told = self.run("purchase", self.acme, sku, "--id", self.s1, *more)
        assert told.code == 0, told.err

    def advance(self, to: str) -> None:
        """Let time pass."""
        told = self.run("clock", "advance", self.clock, "--to", to)
        assert told.code == 0, told.err

    def show(self) -> Any:
        """s1 as data."""
        return self.run("show", self.s1, "--json").json

    def balance(self) -> str:
        """The account's balance."""
        return str(self.run("account", "show", self.acme, "--json").json["balance"])
