"""Production does not install the embedded stack: commands say so, and configured servers work."""

import asyncio
import socket

import pytest

from core.gateways.choose_gateway import choose_gateway
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect
from doors.commandline import embedded_stack, worker_process
from doors.commandline.exit_codes import Unavailable
from settings import PROJECT, Settings
from tests.commandline.conftest import call


def _absent() -> embedded_stack.EmbeddedStack:
    raise ModuleNotFoundError("No module named 'psutil'", name="psutil")


@pytest.fixture(autouse=True)
def without_embedded_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `local` is not installed."""
    monkeypatch.setattr(embedded_stack, "_load", _absent)


@pytest.mark.parametrize(
    "command",
    [
        ["show", "s1"],
        ["top-up", "acme", "5.00"],
        ["stack", "up"],
        ["stack", "status"],
        ["stack", "down"],
        ["migrate"],
        ["demo"],
        ["worker", "status"],
        ["reconcile"],
    ],
    ids=" ".join,
)
def test_a_command_names_the_settings_of_real_servers(command: list[str]) -> None:
    told = call(*command)
    assert told.code == 3
    assert "not installed" in told.err
    assert "PERENNIAL_DATABASE_URL" in told.err
    assert "PERENNIAL_TEMPORAL_ADDRESS" in told.err


def test_a_simulation_says_what_to_install() -> None:
    told = call("simulate", str(PROJECT / "examples" / "story.yaml"))
    assert told.code == 3
    assert "not installed" in told.err
    assert "make setup" in told.err
    assert "PERENNIAL_DATABASE_URL" not in told.err


def test_configured_servers_need_no_embedded_stack(installation: str) -> None:
    assert call("migrate").code == 0
    assert call("list", "failed", "--json").json == []
    parts = call("stack", "status", "--json").json
    assert [(part["name"], part["source"], part["state"]) for part in parts] == [
        ("PostgreSQL", "configured", "running"),
        ("Temporal", "configured", "running"),
    ]


def test_configured_servers_that_are_away_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/p")
    monkeypatch.setenv("PERENNIAL_TEMPORAL_ADDRESS", "127.0.0.1:1")
    told = call("stack", "status", "--json")
    assert told.code == 3
    assert [part["state"] for part in told.json] == ["unreachable", "unreachable"]
    assert all(part["detail"] for part in told.json)
    assert "hunter2" not in told.out + told.err


def test_the_settings_choose_the_card_gateway(database: str) -> None:
    engine = connect(database, pool_size=1)
    assert isinstance(choose_gateway(Settings().card_gateway, engine), SimulatedCards)
    engine.dispose()


@pytest.mark.parametrize("url", ["postgresql://me@127.0.0.1:1/p", None])
def test_a_worker_warns_of_simulated_cards_on_a_real_database(
    url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(
        worker_process.log, "warning", lambda event, **_: warned.append(event), raising=False
    )
    config = Settings(database_url=url, temporal_address="127.0.0.1:1")
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1|not installed"):
        asyncio.run(worker_process.run_roles(["workflows"], config))
    assert warned == (["card_gateway_is_simulated"] if url else [])


@pytest.mark.parametrize("role", worker_process.SERVING)
def test_a_port_that_is_taken_is_told_before_anything_starts(role: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = Settings(temporal_address="127.0.0.1:1", **{f"{role}_port": port})
        with pytest.raises(Unavailable, match=f"{role} cannot listen on") as told:
            asyncio.run(worker_process.run_roles(["workflows", role], config))
        assert "Another program may use it." in str(told.value)
        assert f"PERENNIAL_{role.upper()}_PORT={port + 1}" in str(told.value)
