"""Processes, ports and files, as PostgreSQL and the Temporal server both need them.

There are two ways to start a server. A `detached` server outlives this process. Ctrl-C in our
terminal does not reach it. A `guarded` server never outlives this process. A small shell reads a
pipe from us and ends the server when the pipe closes: at our exit, at a crash, or after SIGKILL.

A process is recognised by its command line, never by its id alone. After a restart of the machine
the same id may belong to another process.
"""

import contextlib
import errno
import fcntl
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from local.errors import StackError

POLL_SECONDS = 0.01
"""The pause between two checks of something that is about to happen."""

# $1: the file for the output. $2: the directory to remove when the pipe closes, or empty.
# $3: the signal. The rest is the command of the server. Standard input is our pipe.
# A server that ends by itself keeps its directory, because its log is in it.
# SIGQUIT ends PostgreSQL at once. The Temporal server gets SIGKILL: its data is in memory.
_GUARD = """
out=$1; dir=$2; sig=$3; shift 3
exec 3<&0
"$@" 3<&- </dev/null >>"$out" 2>&1 &
server=$!
(
    trap '' INT TERM HUP
    read -r _ <&3
    [ -z "$dir" ] || : >"$dir/.abandoned"
    kill -s "$sig" "$server"
) 2>/dev/null &
watcher=$!
exec 3<&-
trap '' INT TERM HUP
wait "$server"
code=$?
kill -s KILL "$watcher" 2>/dev/null
[ -z "$dir" ] || [ ! -e "$dir/.abandoned" ] || rm -rf "$dir"
exit "$code"
"""


PRIVATE = 0o077
"""The umask of all servers: only their user reads what they write."""


def private_directory(place: Path) -> None:
    """Make a directory that only its user can read.

    One that is there loses the permissions of others to read and write. It may be open because an
    earlier version or a person has made it. Others may still pass through, as PostgreSQL does under
    root. A directory such as /tmp, which all users share, stays as it is.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        if not place.stat().st_mode & stat.S_ISVTX:
            _take_away(place, 0o066)


def private_files(directory: Path) -> None:
    """Let only their users read the files that are in a directory."""
    for file in directory.iterdir():
        if file.is_file() and not file.is_symlink():
            _take_away(file, PRIVATE)


def private_file(file: Path) -> Path:
    """The file, which only its user can read. It is made if it is not there."""
    file.touch(mode=0o600)
    _take_away(file, PRIVATE)
    return file


def _take_away(place: Path, bits: int) -> None:
    """Take permissions away from what belongs to us. Root may change what belongs to others."""
    found = place.stat()
    if found.st_mode & bits and os.geteuid() in {0, found.st_uid}:
        place.chmod(stat.S_IMODE(found.st_mode) & ~bits)


def detached(
    command: Sequence[str], log: Path, user: int | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that outlives this process. Its output is appended to `log`.

    `user`: the id of the user that it runs as. Only root may choose one.
    """
    with private_file(log).open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            user=user,
            group=_group(user),
            extra_groups=_groups(user),
            umask=PRIVATE,
            env=env,
        )


@contextlib.contextmanager
def guarded(
    command: Sequence[str],
    log: Path,
    *,
    remove: Path | None,
    end: str,
    user: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the time of a `with` block, and never longer than this process lives.

    It yields the guard. The guard ends when the server ends, with the same exit code.

    `command`: the server's command line.
    `log`: its output is appended to this file.
    `remove`: a directory that is removed afterwards.
    `end`: the name of the signal that ends the server (QUIT, KILL).
    `user`: the id of the user that it runs as. Only root may choose one.
    `env`: its environment. Default: ours.
    """
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "guard", str(log), str(remove or ""), end, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        user=user,
        group=_group(user),
        extra_groups=_groups(user),
        umask=PRIVATE,
        env=env,
    )
    try:
        yield guard
    finally:
        with uninterrupted():
            if guard.stdin is not None:
                guard.stdin.close()
            try:
                guard.wait(timeout=20)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(guard.pid, signal.SIGKILL)
                guard.wait()
            if remove is not None:
                shutil.rmtree(remove, ignore_errors=True)


@contextlib.contextmanager
def told_if_gone(guard: subprocess.Popen[bytes], server: str, log: Path) -> Iterator[None]:
    """Raise `StackError` when a guarded server has ended before the block, with its last words.

    Otherwise its user would see that it does not respond, and not why. `server`: its name.
    """
    try:
        yield
    finally:
        if (code := guard.poll()) is not None:
            how = f"by signal {code - 128}" if code > 128 else f"with exit code {code}"
            raise StackError(f"{server} has ended by itself, {how}.\n{tail(log)}")


def run(command: Sequence[str], user: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and keep its output. `user`: as for `detached`."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        user=user,
        group=_group(user),
        extra_groups=_groups(user),
    )


def _group(user: int | None) -> int | None:
    """The user's own group. With root's group it could not enter where only others may enter."""
    return None if user is None else pwd.getpwuid(user).pw_gid


def _groups(user: int | None) -> list[int] | None:
    return None if user is None else []


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back ctrl-C during a step that must not be interrupted. It is delivered afterwards.

    Python raises KeyboardInterrupt in the main thread only, so other threads need no protection.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def find(matches: Callable[[list[str]], bool], pid: int | None = None) -> psutil.Process | None:
    """The running process whose command line matches. Without `pid` all processes are searched."""
    candidates = psutil.process_iter() if pid is None else _process(pid)
    for process in candidates:
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and matches(process.cmdline()):
                return process
    return None


def running(pid: int) -> psutil.Process | None:
    """The process with this id if it runs. One that has ended no longer does, not even a zombie."""
    return find(lambda _command: True, pid)


def _process(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        yield psutil.Process(pid)


def stop(process: psutil.Process, *signals: tuple[signal.Signals, float]) -> None:
    """End a process. Each signal gets its seconds to work, then SIGKILL follows.

    It returns when the process is gone. Ctrl-C waits until then.
    """
    with uninterrupted(), contextlib.suppress(psutil.NoSuchProcess):
        for number, seconds in signals:
            process.send_signal(number)
            try:
                process.wait(timeout=seconds)
                return
            except psutil.TimeoutExpired:
                continue
        process.kill()
        process.wait(timeout=10)


def stop_child(server: subprocess.Popen[bytes], *signals: tuple[signal.Signals, float]) -> None:
    """End a server that this process has started, unless it has ended. `signals`: as for `stop`."""
    if server.poll() is None:
        stop(psutil.Process(server.pid), *signals)


def wait_until(ready: Callable[[], bool], alive: Callable[[], bool], seconds: float) -> bool:
    """Wait for a server that was started. Returns True as soon as it is `ready`.

    Returns False when it is no longer `alive`, or after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        if not alive():
            return ready()
        time.sleep(POLL_SECONDS)
    return False


def port_is_free(port: int) -> bool:
    """Whether a server can listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listener(port: int) -> str:
    """The process that listens on a port, as words for a message. Empty if we may not see it."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr[1] == port
                and connection.pid
            ):
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1 on which nothing listens."""
    with contextlib.ExitStack() as stack:
        probes = [
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            for _ in range(count)
        ]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def answers(host: str, port: int, seconds: float = 3.0) -> str | None:
    """Returns None if a server accepts connections there, else the reason why not."""
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return None
    except OSError as error:
        return error.strerror or str(error)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[str], None] = lambda _holder: None) -> Iterator[None]:
    """Hold a lock file.

    `waiting`: called once with the words for the holder if another process holds it.

    The kernel frees the lock when its holder ends, however it ends. A lock is never stale.
    """
    with private_file(path).open("r+b") as file:
        _lock(file, waiting)
        file.truncate()
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


def _lock(file: IO[bytes], waiting: Callable[[str], None]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting(_named(file.read()))
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)


def _named(pid: bytes) -> str:
    """The words for the process that has written its id: its command without options."""
    holder = running(int(pid)) if pid.isdigit() else None
    if holder is None:
        return "another process"
    with contextlib.suppress(psutil.Error):
        words = [
            Path(word).name
            for word in holder.cmdline()[:4]
            if word.isprintable() and not word.startswith("-")
        ]
        return f"`{' '.join(words)}` (pid {holder.pid})"
    return f"process {holder.pid}"


def tail(log: Path, lines: int = 8) -> str:
    """The last lines of a log, indented, for a message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "    (no log)"
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line[:300]}" for line in kept) or "    (the log is empty)"


LEAST_MEGABYTES = 200
"""The free space that a server needs to start and to go on."""


def little_space(directory: Path) -> str:
    """The words for a server's directory with too little free space, else an empty text."""
    if not directory.exists():
        return ""
    free = shutil.disk_usage(directory).free // 1_000_000
    return (
        f"too little disk space: {free} MB are free, {LEAST_MEGABYTES} MB are needed"
        if free < LEAST_MEGABYTES
        else ""
    )


def require_space(directory: Path, megabytes: int, purpose: str) -> None:
    """Raise `StackError` when less than `megabytes` are free under `directory`."""
    free = shutil.disk_usage(directory).free // 1_000_000
    if free < megabytes:
        raise StackError(
            f"Not enough disk space for {purpose}: "
            f"{free} MB are free under {directory}, {megabytes} MB are needed.\n"
            "Free some space, or choose another place "
            "with PERENNIAL_HOME (data) or PERENNIAL_CACHE (programs)."
        )


@contextlib.contextmanager
def explained(what: str, where: Path) -> Iterator[None]:
    """Turn the errors of a file system into one clear message."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StackError(
                f"No disk space left {what} ({where}). Free some space and run the command again."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StackError(
                f"No permission {what}: {error.strerror} ({error.filename or where}).\n"
                "Make it writable for you, or choose another place "
                "with PERENNIAL_HOME (data) or PERENNIAL_CACHE (programs)."
            ) from error
        raise StackError(
            f"Something went wrong {what} ({error.filename or where}): {error.strerror or error}."
        ) from error
