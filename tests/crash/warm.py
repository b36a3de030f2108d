"""A process that has imported everything and forks a child for each program that it is sent.

    python -m tests.crash.warm SOCKET

The imports take two seconds, a fork some milliseconds. No thread and no connection is open before a
fork, so a child is as a process that has just imported what it needs. It runs the program as Python
would, and can be killed. `SOCKET` is the number of a file descriptor. The process ends when the
other end of it is closed.

The process can play a scenario before it forks. Then it has compiled most statements, and no child
compiles them again.
"""

import asyncio
import gc
import io
import json
import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import redirect_stdout, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from settings import PROJECT, settings

_WARM = ("activities", "core.domain", "core.gateways", "core.ledger", "doors.access")
"""The packages whose modules are imported before the first fork, beside those of the commands."""
_MOST_BYTES = 1_000_000
"""More than the arguments and the environment of a program have."""


class Warm:
    """The process, seen from the tests."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self._socket = ours
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.warm", str(number)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
                start_new_session=True,
            )

    def play(self, scenario: str, database: str) -> None:
        """Let it play a scenario by the direct engine, in an empty database."""
        self._ask("play", [scenario, database], {})

    def run(self, arguments: list[str], environment: dict[str, str], *files: int) -> int:
        """Run a program to its end. Returns its exit code, negative if a signal has killed it.

        `arguments`: as for Python: a file of the project, or `-c` and a text.
        `files`: the descriptors of its standard input, output and errors.
        """
        return self._ask("run", arguments, environment, *files)

    def start(self, arguments: list[str], environment: dict[str, str], *files: int) -> int:
        """Start a program in a session of its own, as `run` would. Returns its process id."""
        return self._ask("start", arguments, environment, *files)

    def _ask(self, do: str, arguments: list[str], environment: dict[str, str], *files: int) -> int:
        asked = json.dumps([do, arguments, environment]).encode()
        assert len(asked) < _MOST_BYTES
        with self._asking:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
            socket.send_fds(self._socket, [asked], files)
            answer = self._socket.recv(100)
        assert answer, f"the warm process has ended with {self._process.wait()}"
        return int(answer)


@cache
def warm() -> Warm:
    """The warm process of this test process. It ends with it."""
    return Warm()


def _import_all() -> None:
    from temporalio.worker._worker import load_default_build_id

    from doors.commandline.app import load_app
    from tests.crash import processes
    from tests.shared_database import compile_once

    load_app()
    for name in _WARM:
        package = import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            import_module(module.name)
    # The SDK hashes the code of all modules before the first worker starts. It keeps the result.
    load_default_build_id()
    processes.read_messages_soon()
    compile_once()


def _serve(asked: socket.socket) -> int:
    """Play, or fork a child for each program that comes in, and tell its exit code or its id."""
    while True:
        text, files, _, _ = socket.recv_fds(asked, _MOST_BYTES, 3)
        if not text:
            return 0
        do, arguments, environment = json.loads(text)
        if do == "play":
            _play(*arguments)
            answer = 0
        else:
            answer = _fork(asked, do == "start", arguments, environment, files)
        asked.send(str(answer).encode())


def _play(scenario: str, database: str) -> None:
    from core.ledger.database import connect
    from core.ledger.ledger import Ledger
    from doors.scenarios.scenario import parse
    from tests.crash import processes

    ledger = Ledger(connect(database, pool_size=2))
    with tempfile.TemporaryDirectory() as home, redirect_stdout(io.StringIO()):
        played = processes.play_on(parse(scenario), ledger, processes.direct(ledger), Path(home))
        asyncio.run(played)
    ledger.engine.dispose()


def _fork(
    asked: socket.socket,
    stays: bool,
    arguments: list[str],
    environment: dict[str, str],
    files: list[int],
) -> int:
    """Run a program in a child. Returns its exit code, or its id if it `stays`."""
    assert threading.active_count() == 1
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass  # One that has stayed is over.
    # No child looks through what all of them share, nor copies it.
    gc.freeze()
    child = os.fork()
    if not child:
        asked.close()
        if stays:
            os.setsid()
        _become(arguments, environment, files)
    for file in files:
        os.close(file)
    return child if stays else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _become(arguments: list[str], environment: dict[str, str], files: list[int]) -> NoReturn:
    """Run a program in this process, as Python would, and end."""
    from core.ledger import failpoints
    from doors.commandline.process_exit import run_and_exit

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    settings.cache_clear()
    failpoints._points = failpoints._from_environment()
    name = arguments[0]
    text = arguments[1] if name == "-c" else (PROJECT / name).read_text()
    sys.argv = ["-c", *arguments[2:]] if name == "-c" else arguments
    program: dict[str, Any] = {"__name__": "__main__"}
    run_and_exit(lambda: exec(compile(text, name, "exec"), program))


if __name__ == "__main__":
    _import_all()
    with socket.socket(fileno=int(sys.argv[1])) as asked, suppress(ConnectionError):
        raise SystemExit(_serve(asked))
