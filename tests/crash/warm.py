"""A process that has imported everything and forks a child for each program that it is sent.

    python -m tests.crash.warm SOCKET

The imports take a second, a fork some milliseconds. No thread and no connection is open before a
fork, so a child is as a process that has just imported what it needs. It runs the program as Python
would, and can be killed. `SOCKET` is the number of a file descriptor. The process ends when the
other end of it is closed.
"""

import gc
import json
import os
import pkgutil
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

from settings import PROJECT

_WARM = ("activities", "core.domain", "core.gateways", "core.ledger", "doors.access")
"""The packages whose modules are imported before the first fork, beside those of the commands."""
_MOST_BYTES = 1_000_000
"""More than the arguments and the environment of a program have."""


class Warm:
    """The process, seen from the tests."""

    def __init__(self) -> None:
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

    def run(self, arguments: list[str], environment: dict[str, str], *files: int) -> int:
        """Run a program to its end. Returns its exit code, negative if a signal has killed it.

        `arguments`: as for Python: a file of the project, or `-c` and a text.
        `files`: the descriptors of its standard input, output and errors.
        """
        asked = json.dumps([arguments, environment]).encode()
        assert len(asked) < _MOST_BYTES
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
    from doors.commandline.app import load_app

    load_app()
    for name in _WARM:
        package = import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            import_module(module.name)


def _serve(asked: socket.socket) -> int:
    """Fork a child for each program that comes in, and tell its exit code."""
    gc.freeze()
    while True:
        text, files, _, _ = socket.recv_fds(asked, _MOST_BYTES, 3)
        if not text:
            return 0
        child = os.fork()
        if not child:
            asked.close()
            _become(*json.loads(text), files)
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(arguments: list[str], environment: dict[str, str], files: list[int]) -> NoReturn:
    """Run a program in this process, as Python would, and end."""
    from core.ledger import failpoints
    from doors.commandline.process_exit import run_and_exit

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
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
