"""The stack as a whole: embedded, configured, or one part of each."""

import concurrent.futures
import os
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from local import postgres, process, stack, temporal
from local.stack import Source, StackError, State
from settings import Settings


def processes_of(config: Settings) -> list[str]:
    found = []
    for one in psutil.process_iter():
        try:
            if any(str(config.home) in word for word in one.cmdline()):
                found.append(" ".join(one.cmdline()))
        except psutil.Error:
            continue
    return found


def test_up_status_down(config: Settings) -> None:
    assert [part.state for part in stack.status(config)] == [State.STOPPED, State.STOPPED]
    where = stack.up(config)
    assert stack.up(config) == where == stack.addresses(config)
    assert where.temporal_ui is not None
    parts = stack.status(config)
    assert [(part.name, part.source, part.state) for part in parts] == [
        ("PostgreSQL", Source.EMBEDDED, State.RUNNING),
        ("Temporal", Source.EMBEDDED, State.RUNNING),
    ]
    assert all(
        part.pid
        and psutil.pid_exists(part.pid)
        and part.data
        and part.data.exists()
        and part.log
        and part.log.exists()
        for part in parts
    )
    assert stack.down(config) == ["Temporal", "PostgreSQL"]
    assert stack.down(config) == []
    assert processes_of(config) == []


@pytest.mark.parametrize("before", ["no home", "an open home"])
def test_only_its_user_reads_what_is_in_the_home(config: Settings, before: str) -> None:
    """The data, the logs, the sockets and the Temporal database are private.

    Others may pass through directories at most. An open home of an earlier version becomes private.
    """
    if before == "an open home":
        stack.up(config)
        stack.down(config)
        data = config.home / "postgres" / "data"
        for path in [config.home, *config.home.rglob("*")]:
            if data not in path.parents and path != data:
                path.chmod(0o777 if path.is_dir() else 0o666)
    stack.up(config)
    [database] = [part for part in stack.status(config) if part.name == "PostgreSQL"]
    assert database.pid
    expected = "nobody" if os.geteuid() == 0 else psutil.Process().username()
    assert psutil.Process(database.pid).username() == expected
    assert_private(config)
    stack.down(config)
    assert_private(config)


def test_a_directory_that_all_users_share_stays_open(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    for place, mode in ((shared, 0o1777), (own, 0o755)):
        place.mkdir()
        place.chmod(mode)
        process.private_directory(place)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (shared, own)] == [0o1777, 0o711]


def assert_private(config: Settings) -> None:
    modes: dict[Path, int] = {}
    for path in [config.home, *config.home.rglob("*")]:
        with suppress(FileNotFoundError):  # a running server removes files of its own
            modes[path] = path.stat().st_mode & 0o777
    readable = {
        f"{path}: {mode:o}"
        for path, mode in modes.items()
        if mode & (0o066 if path.is_dir() else 0o077)
    }
    assert readable == set()


def test_a_stopped_stack_is_said_with_the_command_that_starts_it(config: Settings) -> None:
    with pytest.raises(
        StackError, match=r"(?s)PostgreSQL and Temporal of .* are not running.*starter.py stack up"
    ):
        stack.addresses(config)
    assert not config.home.exists()
    stack.up(config)
    temporal.down(config)
    with pytest.raises(StackError, match=r"embedded Temporal of .* is not running"):
        stack.addresses(config)


def test_a_server_that_is_gone_comes_back_with_up(config: Settings) -> None:
    stack.up(config)
    psutil.Process(
        int((config.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    ).kill()
    assert process.wait_until(
        lambda: stack.status(config)[0].state == State.STOPPED, lambda: True, 60
    )
    where = stack.up(config)
    with psycopg.connect(where.database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_disk_that_is_nearly_full_is_shown(
    config: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.home.joinpath("postgres").mkdir(parents=True)
    assert [part.detail for part in stack.status(config)] == ["", ""]
    monkeypatch.setattr(process, "LEAST_MEGABYTES", 10**9)
    database, temporal_server = stack.status(config)
    assert re.fullmatch(
        r"too little disk space: \d+ MB are free, 1000000000 MB are needed", database.detail
    )
    assert temporal_server.detail == ""  # It has no directory yet.


def test_it_outlives_the_program_that_started_it(config: Settings) -> None:
    program = "from local import stack; print(stack.up().temporal_address)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PERENNIAL_HOME": str(config.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert stack.addresses(config).temporal_address == done.stdout.strip()


def test_started_twice_at_once_it_runs_once(config: Settings) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(stack.up, [config, config])
    assert first == second
    assert len([command for command in processes_of(config) if "start-dev" in command]) == 1


def test_a_borrowed_stack_ends_with_its_borrower_unless_another_command_asked_for_it(
    config: Settings,
) -> None:
    stack.up(config, borrower="me")
    assert stack.down(config, borrower="another") == []
    assert stack.down(config, borrower="me") == ["Temporal", "PostgreSQL"]
    stack.up(config, borrower="me")
    where = stack.up(config)
    assert stack.down(config, borrower="me") == []
    assert stack.addresses(config) == where
    stack.up(config, borrower="me")  # It runs already, so it is not borrowed.
    assert stack.down(config, borrower="me") == []
    assert stack.down(config) == ["Temporal", "PostgreSQL"]


def test_who_starts_or_stops_the_stack_is_named_to_those_who_wait(config: Settings) -> None:
    program = (
        "import sys; from pathlib import Path; from local import process\n"
        "with process.locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    config.home.mkdir(mode=0o700)
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", program, str(config.home / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdout.readline()

        def progress(text: str) -> None:
            told.append(text)
            holder.kill()

        stack.up(config, progress)
    assert f"(pid {holder.pid}), which starts or stops the stack" in told[0]


def test_configured_servers_are_used_and_never_started(
    tmp_path: Path, postgres_url: str, temporal_address: str
) -> None:
    config = Settings(
        home=tmp_path / "home", database_url=postgres_url, temporal_address=temporal_address
    )
    assert (
        stack.up(config)
        == stack.addresses(config)
        == stack.Addresses(postgres_url, temporal_address, None)
    )
    assert [(part.source, part.state) for part in stack.status(config)] == [
        (Source.CONFIGURED, State.RUNNING)
    ] * 2
    assert stack.down(config) == []
    assert not config.home.exists()


def test_half_configured_half_embedded(tmp_path: Path, temporal_address: str) -> None:
    config = Settings(home=tmp_path / "home", temporal_address=temporal_address)
    try:
        where = stack.up(config)
        assert where.temporal_address == temporal_address
        assert str(config.home) in where.database_url
        assert not (config.home / "temporal").exists()
    finally:
        assert stack.down(config) == ["PostgreSQL"]


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        (
            "database_url",
            "postgresql://u:hunter2@127.0.0.1:1/x",
            "The configured PostgreSQL does not let us in",
        ),
        (
            "temporal_address",
            "127.0.0.1:1",
            "The configured Temporal server does not respond: 127.0.0.1:1",
        ),
    ],
)
def test_a_configured_server_that_is_away_is_said_at_once(
    tmp_path: Path, setting: str, value: str, says: str
) -> None:
    config = Settings.model_validate({"home": tmp_path / "home", setting: value})
    with pytest.raises(StackError) as refused:
        stack.up(config)
    assert says in str(refused.value)
    assert f"PERENNIAL_{setting.upper()}" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert State.UNREACHABLE in {part.state for part in stack.status(config)}
    assert "hunter2" not in repr(stack.status(config))
    assert processes_of(config) == []


def test_ctrl_c_half_way_stops_what_was_started(
    config: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(temporal, "up", interrupt)
        with pytest.raises(StackError, match="Interrupted") as refused:
            stack.up(config)
    assert refused.value.exit_code == 130
    assert processes_of(config) == []
    stack.up(config)


def test_a_failure_half_way_stops_what_was_started_but_not_what_ran_before(
    config: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = config.model_copy(update={"temporal_program": Path("/nowhere/temporal")})
    with pytest.raises(StackError, match="does not exist"):
        stack.up(broken)
    assert processes_of(config) == []
    before = postgres.up(config)
    with pytest.raises(StackError, match="does not exist"):
        stack.up(broken)
    assert postgres.status(config) == before


def test_a_throwaway_stack_needs_and_touches_no_other(tmp_path: Path) -> None:
    config = Settings(
        home=tmp_path / "home",
        database_url="postgresql://127.0.0.1:1/real",
        temporal_address="127.0.0.1:1",
    )
    with stack.throwaway(config) as where:
        assert postgres.unreachable(where.database_url) is None
        assert where.temporal_address != config.temporal_address
    assert not config.home.exists()
