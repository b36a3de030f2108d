"""The embedded PostgreSQL keeps its data, survives kills, and says clearly why it cannot start."""

import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, text

from local import postgres, process
from local.errors import StackError
from settings import Settings


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
    ).connect() as connection:
        result = connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


def gone(pid: int) -> bool:
    return process.running(pid) is None


def data_of(url: str) -> Path:
    return Path(str(run(url, "SHOW data_directory")[0][0]))


def test_data_survive_down_and_up(config: Settings) -> None:
    first = postgres.up(config)
    run(first.url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
    assert postgres.down(config)
    assert gone(first.pid)
    assert postgres.status(config) is None
    second = postgres.up(config)
    assert second.url == first.url
    assert run(second.url, "SELECT n FROM kept") == [(42,)]


def test_up_twice_is_up_once(config: Settings) -> None:
    assert postgres.up(config) == postgres.up(config) == postgres.status(config)


def test_down_twice_is_down_once(config: Settings) -> None:
    postgres.up(config)
    assert postgres.down(config)
    assert not postgres.down(config)


def test_committed_data_survive_a_kill_of_the_server(config: Settings) -> None:
    first = postgres.up(config)
    run(first.url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
    psutil.Process(first.pid).kill()
    assert process.wait_until(lambda: postgres.status(config) is None, lambda: True, 60)
    second = postgres.up(config)
    assert second.pid != first.pid
    assert run(second.url, "SELECT n FROM kept") == [(42,)]


def test_it_is_durable(config: Settings) -> None:
    url = postgres.up(config).url
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert run(url, f"SELECT current_setting('{name}')") == [("on",)], name


def test_nothing_listens_on_tcp_and_only_the_owner_enters_the_socket_directory(
    config: Settings,
) -> None:
    running = postgres.up(config)
    assert run(running.url, "SHOW listen_addresses") == [("",)]
    assert not [
        c
        for c in psutil.Process(running.pid).net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    ]
    assert stat.S_IMODE((config.home / "postgres" / "run").stat().st_mode) == 0o700


@pytest.mark.parametrize("path", ["data/postmaster.pid", "run/.s.PGSQL.5432.lock"])
@pytest.mark.parametrize("number", ["of another process", "of no process", "not a number"])
def test_a_stale_lock_file_does_not_matter(config: Settings, number: str, path: str) -> None:
    postgres.up(config)
    lock = config.home / "postgres" / path
    words = lock.read_text().splitlines()
    user = psutil.Process(int(words[0])).uids().real
    postgres.down(config)
    # PostgreSQL passes over its own ancestors, and asks others only if it may send them signals.
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=user) as other:
        words[0] = str(other.pid) if number == "of another process" else "4194303"
        lock.write_text("\n".join(words) + "\n" if number != "not a number" else "")
        assert postgres.status(config) is None
        assert run(postgres.up(config).url, "SELECT 1") == [(1,)]


def test_an_interrupted_first_start_is_made_anew(config: Settings) -> None:
    unfinished = config.home / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    assert run(postgres.up(config).url, "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_ctrl_c_during_the_start_leaves_no_server(
    config: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(ready: Callable[[], bool], alive: Callable[[], bool], seconds: float) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(process, "wait_until", interrupt)
        with pytest.raises(KeyboardInterrupt):
            postgres.up(config)
    assert process.find(lambda command: str(config.home / "postgres" / "data") in command) is None
    assert run(postgres.up(config).url, "SELECT 1") == [(1,)]


def test_data_of_another_version_are_not_touched(config: Settings) -> None:
    postgres.up(config)
    postgres.down(config)
    (config.home / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(
        StackError, match=r"was written by PostgreSQL 12. This installation brings PostgreSQL 18"
    ):
        postgres.up(config)


def test_a_server_that_ends_at_once_is_quoted(config: Settings) -> None:
    postgres.up(config)
    postgres.down(config)
    with (config.home / "postgres" / "data" / "postgresql.conf").open("a") as file:
        file.write("\nno_such_parameter = 1\n")
    with pytest.raises(
        StackError, match=r"(?s)PostgreSQL did not start.*no_such_parameter.*The log is "
    ):
        postgres.up(config)


def test_a_home_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="while preparing PostgreSQL"):
        postgres.up(Settings(home=tmp_path / "file" / "home"))


def test_a_home_with_a_long_or_strange_path_works(tmp_path: Path) -> None:
    config = Settings(home=tmp_path / "a home, with 'quotes' & ümlauts" / ("long" * 30))
    try:
        running = postgres.up(config)
        assert run(running.url, "SELECT 1") == [(1,)]
        run_directory = Path(str(run(running.url, "SHOW unix_socket_directories")[0][0]))
        assert len(str(run_directory)) < 90
    finally:
        postgres.down(config)
    run_directory.rmdir()


def test_a_throwaway_is_empty_fast_and_gone(tmp_path: Path) -> None:
    with postgres.throwaway() as url:
        data = data_of(url)
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        assert run(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
        assert run(url, "SHOW fsync") == [("off",)]
        assert data.is_relative_to(tempfile.gettempdir())
    assert gone(pid)
    assert not data.parent.exists()


def test_a_throwaway_is_gone_after_an_exception() -> None:
    found = []

    def fail() -> None:
        with postgres.throwaway() as url:
            found.append(data_of(url))
            found.append(int((found[0] / "postmaster.pid").read_text().splitlines()[0]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    data, pid = found
    assert gone(pid)
    assert not data.parent.exists()


def test_a_throwaway_is_gone_after_its_owner_was_killed() -> None:
    program = textwrap.dedent("""
        import sys
        from local import postgres
        with postgres.throwaway() as url:
            print(url, flush=True)
            sys.stdin.read()
    """)
    owner = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    data = data_of(owner.stdout.readline().strip())
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert process.wait_until(lambda: gone(pid) and not data.parent.exists(), lambda: True, 60)


def test_databases_are_created_once_copied_and_dropped(postgres_url: str) -> None:
    name = 'copy"; DROP TABLE x; --'
    source = postgres.create_database(postgres_url, "source of copies")
    run(source, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
    copy = postgres.create_database(postgres_url, name, template="source of copies")
    assert run(copy, "SELECT n FROM kept") == [(42,)]
    assert postgres.create_database(postgres_url, name) == copy
    for database in (name, "source of copies"):
        postgres.drop_database(postgres_url, database)
        postgres.drop_database(postgres_url, database)
    assert "does not exist" in str(postgres.unreachable(copy))


def test_a_fixture_database_knows_nothing_of_the_machine(postgres_url: str) -> None:
    assert run(
        postgres_url, "SELECT current_setting('TimeZone'), current_setting('server_encoding')"
    ) == [("UTC", "UTF8")]
    assert run(postgres_url, "SELECT 'a' < 'B', lower('Ü')") == [(False, "ü")]


def test_passwords_do_not_appear_in_messages() -> None:
    url = "postgresql+psycopg://user:hunter2@127.0.0.1:1/x"
    with pytest.raises(StackError) as refused:
        postgres.create_database(url, "y")
    assert "hunter2" not in f"{refused.value}{postgres.unreachable(url)}"
