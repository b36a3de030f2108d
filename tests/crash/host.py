"""A machine, as small as can be: runs workers and a client, and starts again whichever is killed, as systemd or Kubernetes would.

    python -m tests.crash.host HOME ROLE...

Children are forked after everything has been imported, so that a restart takes no longer than it must. What happens is told on standard
output, a JSON object a line: killed, stopped, failed (with the exit code), done (what has an end has come to it; the rest is killed). A
stopped child goes on at a line on standard input; when standard input closes, all are killed.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path

from settings import Settings
from tests.crash import processes

WORK = {
    "worker": processes.run_worker,
    "relay": processes.run_relay,
    "player": processes.run_player,
    "import": processes.run_import,
    "reconciliation": processes.run_reconciliation,
}
#: What runs until it is told to stop; the others have an end.
ENDLESS = ("worker", "relay")


class Host:
    """The children, by process id."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.children: dict[int, str] = {}
        self.wakeup, write = socket.socketpair()
        self.wakeup.setblocking(False)
        write.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        self._write = write

    def start(self, role: str) -> None:
        """Fork a child."""
        pid = os.fork()
        if pid:
            self.children[pid] = role
            return
        code = 1
        try:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = WORK[role](self.home)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def run(self) -> int:
        """Until the client has finished, a child fails, or nobody listens."""
        selector = selectors.DefaultSelector()
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(self.wakeup, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj != self.wakeup:
                    if not sys.stdin.readline():
                        return 2
                    for pid in self.children:
                        os.kill(pid, signal.SIGCONT)
                else:
                    self.wakeup.recv(4096)
            code = self.look()
            if code is not None:
                return code

    def look(self) -> int | None:
        """What has become of the children; the host's exit code when it is over."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
                pid, status = found
                role = self.children[pid]
                if os.WIFSTOPPED(status):
                    tell(stopped=role)
                    continue
                del self.children[pid]
                code = os.waitstatus_to_exitcode(status)
                if code == -signal.SIGKILL:
                    tell(killed=role)
                    self.start(role)
                elif code == 0 and role not in ENDLESS:
                    tell(done=role)
                    return 0
                else:
                    tell(failed=role, code=code)
                    return 1
        return None

    def end(self) -> None:
        """Kill what is left."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def tell(**event: object) -> None:
    """Say what has happened."""
    print(json.dumps(event), flush=True)


def main() -> int:
    """See the module."""
    Settings.model_config["env_file"] = None
    host = Host(Path(sys.argv[1]))
    try:
        for role in sys.argv[2:]:
            host.start(role)
        return host.run()
    finally:
        host.end()


if __name__ == "__main__":
    raise SystemExit(main())
