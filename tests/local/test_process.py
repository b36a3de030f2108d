"""Servers end when they must, and not before."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from local import process
from local.errors import StackError

SERVER = "import signal; signal.pause()"
"""A server that does nothing until a signal ends it."""


def server(mark: Path) -> list[str]:
    return [sys.executable, "-c", SERVER, str(mark)]


def running(mark: Path) -> psutil.Process | None:
    return process.find(
        lambda command: str(mark) in command and "-c" in command and SERVER in command
    )


def test_a_guarded_server_is_gone_after_the_block_and_its_directory_too(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with process.guarded(server(place), tmp_path / "log", remove=place, end="KILL"):
        assert process.wait_until(lambda: running(place) is not None, lambda: True, 60)
    assert running(place) is None
    assert not place.exists()


def test_a_guarded_server_is_gone_after_an_exception(tmp_path: Path) -> None:
    def fail() -> None:
        with process.guarded(server(tmp_path), tmp_path / "log", remove=None, end="KILL"):
            assert process.wait_until(lambda: running(tmp_path) is not None, lambda: True, 60)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert running(tmp_path) is None


def test_a_guarded_server_is_gone_after_its_owner_was_killed(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    program = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from local import process
        log, place = Path({str(tmp_path / "log")!r}), Path({str(place)!r})
        with process.guarded({server(place)!r}, log, remove=place, end="KILL"):
            print("ready", flush=True)
            sys.stdin.read()
    """)
    owner = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    assert process.wait_until(lambda: running(place) is not None, lambda: True, 60)
    owner.kill()
    owner.communicate()
    assert process.wait_until(
        lambda: running(place) is None and not place.exists(), lambda: True, 60
    )


def test_the_guard_tells_when_its_server_ended(tmp_path: Path) -> None:
    with process.guarded(
        [sys.executable, "-c", "print('no'); raise SystemExit(3)"],
        tmp_path / "log",
        remove=None,
        end="KILL",
    ) as guard:
        assert guard.wait(timeout=300) == 3
    assert process.tail(tmp_path / "log") == "    no"


@pytest.mark.parametrize(
    ("ends", "how"),
    [
        ("raise SystemExit(3)", "with exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "by signal 9"),
    ],
)
def test_a_guarded_server_that_ends_by_itself_is_told_with_its_last_words(
    tmp_path: Path, ends: str, how: str
) -> None:
    log = tmp_path / "log"
    program = f"print('the disk is on fire', flush=True); {ends}"

    def used() -> None:
        with (
            process.guarded([sys.executable, "-c", program], log, remove=None, end="KILL") as guard,
            process.told_if_gone(guard, "The server", log),
        ):
            guard.wait(timeout=300)
            raise ConnectionRefusedError

    with pytest.raises(StackError) as told:
        used()
    assert str(told.value) == f"The server has ended by itself, {how}.\n    the disk is on fire"
    assert isinstance(told.value.__context__, ConnectionRefusedError)


def test_stopping_goes_on_to_sigkill(tmp_path: Path) -> None:
    ignoring = textwrap.dedent("""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        while True:
            signal.pause()
    """)
    stubborn = subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    process.stop(psutil.Process(stubborn.pid), (signal.SIGTERM, 0.1))
    assert not psutil.pid_exists(stubborn.pid)
    stubborn.communicate()


def test_a_child_that_has_ended_is_not_stopped_again() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=300)
    process.stop_child(ended, (signal.SIGTERM, 10.0))
    lives = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    process.stop_child(lives, (signal.SIGTERM, 300.0))
    assert not psutil.pid_exists(lives.pid)
    lives.communicate()


def test_ctrl_c_waits_for_a_step_that_must_not_be_cut() -> None:
    # A run in the background of a shell ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    steps: list[str] = []

    def interrupted() -> None:
        with process.uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("done")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert steps == ["done"]


def test_a_lock_is_exclusive_and_freed_by_a_holder_that_is_killed(tmp_path: Path) -> None:
    lock, waited = tmp_path / "lock", list[str]()
    program = f"""
import sys
from pathlib import Path
from local import process
with process.locked(Path({str(lock)!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()

    def waiting(whose: str) -> None:
        waited.append(whose)
        holder.kill()

    with process.locked(lock, waiting):
        [whose] = waited
        assert whose.endswith(f"(pid {holder.pid})")
        assert lock.read_text() == str(os.getpid())
    holder.communicate()


def test_a_port_in_use_is_seen_with_its_user() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not process.port_is_free(port)
        assert f"pid {os.getpid()}" in process.listener(port)
        assert process.answers("127.0.0.1", port) is None
    assert process.port_is_free(port)
    assert "refused" in str(process.answers("127.0.0.1", port)).lower()


def test_free_ports_differ() -> None:
    assert len(set(process.free_ports(20))) == 20


def test_too_little_space_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(
        StackError,
        match=r"(?s)Not enough disk space for the test: \d+ MB are free under .*PERENNIAL_HOME",
    ):
        process.require_space(tmp_path, 10**9, "the test")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device"), "No disk space left while testing"),
        (
            PermissionError(13, "Permission denied", "/data/x"),
            r"No permission while testing: Permission denied \(/data/x\)",
        ),
        (OSError(5, "Input/output error"), "Something went wrong while testing"),
    ],
)
def test_errors_of_the_file_system_become_one_message(
    tmp_path: Path, error: OSError, says: str
) -> None:
    with pytest.raises(StackError, match=says), process.explained("while testing", tmp_path):
        raise error
