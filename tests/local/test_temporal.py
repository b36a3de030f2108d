"""The embedded Temporal server keeps its workflows, and its program is found in the right order."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from local import process, temporal
from local.errors import StackError
from settings import Settings


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A bare machine: PATH has only the shell, the cache is empty, and there is no internet."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("PERENNIAL_TEMPORAL_PROGRAM", raising=False)
    monkeypatch.setattr(temporal, "_try_download", no_download)
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache")


async def no_download(place: Path) -> None:
    """The SDK's download without internet. Nothing arrives."""


async def start(address: str, workflow_id: str) -> None:
    client = await Client.connect(address)
    await client.start_workflow("sleeper", id=workflow_id, task_queue="unserved")


async def test_workflows_survive_down_and_up_on_the_same_ports(config: Settings) -> None:
    first = temporal.up(config)
    await start(first.address, "kept")
    assert temporal.down(config)
    assert temporal.status(config) is None
    second = temporal.up(config)
    assert (second.port, second.ui_port) == (first.port, first.ui_port)
    client = await Client.connect(second.address)
    assert (await client.get_workflow_handle("kept").describe()).id == "kept"


async def test_workflows_survive_a_kill_of_the_server(config: Settings) -> None:
    first = temporal.up(config)
    await start(first.address, "kept")
    psutil.Process(first.pid).kill()
    assert process.wait_until(lambda: temporal.status(config) is None, lambda: True, 60)
    second = temporal.up(config)
    client = await Client.connect(second.address)
    assert (await client.get_workflow_handle("kept").describe()).id == "kept"


def test_up_twice_is_up_once_and_all_is_on_this_machine_only(config: Settings) -> None:
    running = temporal.up(config)
    assert temporal.up(config) == running == temporal.status(config)
    listening = [
        c
        for c in psutil.Process(running.pid).net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    ]
    assert {running.port, running.ui_port} <= {c.laddr.port for c in listening}
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "state", ["{", '{"pid": 1, "port": 2, "ui_port": 3, "http_port": 4}', None]
)
def test_a_lost_or_wrong_state_file_does_not_matter(config: Settings, state: str | None) -> None:
    running = temporal.up(config)
    path = config.home / "temporal" / "server.json"
    if state is None:
        path.unlink()
    else:
        path.write_text(state)
    assert temporal.status(config) == running
    assert temporal.up(config) == running


async def test_a_namespace_of_ones_own_exists(tmp_path: Path) -> None:
    config = Settings(home=tmp_path / "home", temporal_namespace="shop")
    try:
        client = await Client.connect(temporal.up(config).address, namespace="shop")
        with pytest.raises(RPCError) as missing:
            await client.get_workflow_handle("unknown").describe()
        assert missing.value.status == RPCStatusCode.NOT_FOUND
    finally:
        temporal.down(config)


@pytest.mark.parametrize("setting", ["temporal_port", "temporal_ui_port"])
def test_a_configured_port_that_is_taken_is_said_with_its_user(
    tmp_path: Path, setting: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError) as refused:
            temporal.up(Settings.model_validate({"home": tmp_path / "home", setting: port}))
    assert f"Port {port} of 127.0.0.1 is taken by " in str(refused.value)
    assert f"(pid {os.getpid()})" in str(refused.value)
    assert f"PERENNIAL_{setting.upper()}" in str(refused.value)


def test_a_last_port_that_is_taken_is_replaced(config: Settings) -> None:
    first = temporal.up(config)
    temporal.down(config)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.port))
        taken.listen()
        assert temporal.up(config).port != first.port


def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    program = script(tmp_path / "temporal", "echo the disk is on fire; exit 1")
    with pytest.raises(StackError, match=r"(?s)did not start.*the disk is on fire.*The log is "):
        temporal.up(Settings(home=tmp_path / "home", temporal_program=program))
    with (
        pytest.raises(
            StackError, match=r"(?s)temporary Temporal server did not start.*the disk is on fire"
        ),
        temporal.throwaway(Settings(home=tmp_path / "home", temporal_program=program)),
    ):
        pass


def test_ctrl_c_during_the_start_leaves_no_server(
    config: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(ready: Callable[[], bool], alive: Callable[[], bool], seconds: float) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(process, "wait_until", interrupt)
        with pytest.raises(KeyboardInterrupt):
            temporal.up(config)
    assert (
        process.find(lambda command: str(config.home / "temporal" / "temporal.db") in command)
        is None
    )


async def test_a_throwaway_works_and_is_gone() -> None:
    with temporal.throwaway() as address:
        await start(address, "short")
    assert process.answers("127.0.0.1", int(address.rpartition(":")[2])) is not None


def test_a_throwaway_is_gone_after_its_owner_was_killed(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from local import temporal
        with temporal.throwaway() as address:
            print(address, flush=True)
            sys.stdin.read()
    """)
    owner = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert owner.stdout is not None
    port = int(owner.stdout.readline().strip().rpartition(":")[2])
    assert process.answers("127.0.0.1", port) is None
    owner.kill()
    owner.communicate()
    assert process.wait_until(
        lambda: process.answers("127.0.0.1", port) is not None and not list(tmp_path.iterdir()),
        lambda: True,
        60,
    )


# Where the program comes from ---------------------------------------------------------------------


def test_without_any_way_one_message_names_them_all(bare: Settings) -> None:
    with pytest.raises(StackError) as refused:
        temporal.program(bare, lambda _: None)
    for way in (
        "no Go",
        "PERENNIAL_TEMPORAL_ADDRESS",
        "PERENNIAL_TEMPORAL_PROGRAM",
        "on PATH",
        "internet",
        "Go 1.26",
    ):
        assert way in str(refused.value)


def test_a_configured_program_comes_first(bare: Settings, tmp_path: Path) -> None:
    script(tmp_path / "tools" / "temporal", "")
    mine = script(tmp_path / "mine", "")
    assert temporal.program(bare.model_copy(update={"temporal_program": mine})) == mine


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is not a program"),
    ],
)
def test_a_configured_program_that_is_none_is_said(
    bare: Settings, tmp_path: Path, make: Callable[[Path], object], says: str
) -> None:
    make(tmp_path / "mine")
    with pytest.raises(StackError, match=rf"PERENNIAL_TEMPORAL_PROGRAM names .*mine, which {says}"):
        temporal.program(bare.model_copy(update={"temporal_program": tmp_path / "mine"}))


def test_a_program_on_path_comes_before_the_cache(bare: Settings, tmp_path: Path) -> None:
    script(temporal._build_place(bare.cache / "temporal") / "temporal", "")
    on_path = script(tmp_path / "tools" / "temporal", "")
    assert temporal.program(bare) == on_path


def test_what_was_built_before_is_used_without_a_word(bare: Settings) -> None:
    built = script(temporal._build_place(bare.cache / "temporal") / "temporal", "")
    assert temporal.program(bare, pytest.fail) == built


def test_a_half_written_build_is_not_used(bare: Settings) -> None:
    script(temporal._build_place(bare.cache / "temporal") / "temporal.new", "")
    with pytest.raises(StackError, match="There is no Temporal server"):
        temporal.program(bare, lambda _: None)


def test_a_download_is_kept(bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def arrives(place: Path) -> None:
        script(place / "temporal-sdk-python-1", "")

    monkeypatch.setattr(temporal, "_try_download", arrives)
    downloaded = temporal.program(bare, lambda _: None)
    assert downloaded.name == "temporal-sdk-python-1"
    assert temporal.program(bare, pytest.fail) == downloaded


def fake_go(tmp_path: Path, build: str) -> None:
    for tool in ("touch", "chmod", "sleep"):
        (tmp_path / "tools" / tool).symlink_to(str(shutil.which(tool, path="/usr/bin:/bin")))
    script(
        tmp_path / "tools" / "go", f'case "$1" in list) printf "a\\nb\\n";; build) {build};; esac'
    )


FINISH = 'while [ "$1" != -o ]; do shift; done; touch "$2"; chmod +x "$2"'


def test_go_builds_it_once_with_progress(bare: Settings, tmp_path: Path) -> None:
    fake_go(tmp_path, f'echo a >&2; echo b >&2; {FINISH}; touch "{tmp_path}/built-$$"')
    said: list[str] = []
    first = temporal.program(bare, said.append)
    assert temporal.program(bare, pytest.fail) == first
    assert first.is_relative_to(bare.cache)
    assert any("package 2 of 2" in line for line in said)
    assert len(list(tmp_path.glob("built-*"))) == 1


def test_two_at_once_build_it_once(bare: Settings, tmp_path: Path) -> None:
    fake_go(tmp_path, f'{FINISH}; touch "{tmp_path}/built-$$"')
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "local.temporal"],
            env=os.environ | {"PERENNIAL_CACHE": str(bare.cache)},
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for one in both:
        _, words = one.communicate(timeout=300)
        assert one.returncode == 0, words
    assert len(list(tmp_path.glob("built-*"))) == 1


def test_a_failed_build_is_quoted_and_names_the_other_ways(bare: Settings, tmp_path: Path) -> None:
    fake_go(tmp_path, "echo 'no required module' >&2; exit 1")
    with pytest.raises(
        StackError, match=r"(?s)Go could not build.*no required module.*PERENNIAL_TEMPORAL_ADDRESS"
    ):
        temporal.program(bare, lambda _: None)


def test_a_build_without_space_says_where_the_space_is_needed(
    bare: Settings, tmp_path: Path
) -> None:
    fake_go(tmp_path, "echo 'write: no space left on device' >&2; exit 1")
    with pytest.raises(StackError, match="GOCACHE and GOMODCACHE"):
        temporal.program(bare, lambda _: None)


def test_an_interrupted_build_leaves_nothing_running_and_nothing_half_done(
    bare: Settings, tmp_path: Path
) -> None:
    fake_go(tmp_path, "echo a >&2; exec sleep 600")

    def interrupt(text: str) -> None:
        if "package" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        temporal.program(bare, interrupt)
    assert (
        process.find(
            lambda command: command == ["sleep", "600"] or str(tmp_path / "tools" / "go") in command
        )
        is None
    )
    assert temporal._cached(bare.cache / "temporal") is None


def test_the_module_pins_every_version() -> None:
    module = (temporal.MODULE / "go.mod").read_text()
    assert "github.com/temporalio/cli v" in module
    assert (temporal.MODULE / "go.sum").stat().st_size > 10_000


def test_nothing_of_all_this_is_left_in_the_temporary_directory(
    config: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporal.throwaway(config):
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
