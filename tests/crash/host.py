"""A small machine: it runs workers and a client, and restarts a process that was killed.

Systemd or Kubernetes would do the same. It is a child of the warm process (`warm.py`) and has
children of its own, so a restart is fast. Its arguments are the home directory and the roles. The
host prints what happens to standard output, one JSON object per line:

killed    a child was killed and has been restarted
stopped   a child has stopped itself
failed    a child has ended with an exit code, and the host ends
done      the child that has an end has finished
ended     the rest is killed, and the host ends with this exit code

Stopped children go on when the host reads a line on standard input. When standard input closes,
all children are killed.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from functools import partial
from pathlib import Path

from settings import Settings
from tests.crash import processes

WORK = {
    "worker": processes.run_worker,
    "relay": processes.run_relay,
    "player": processes.run_player,
    "import": processes.run_import,
    "undo": processes.run_undo,
    "messages": processes.run_messages,
    "usage": processes.run_usage,
    "month-end": processes.run_month_end,
    "billing": processes.run_billing,
    "reconciliation": processes.run_reconciliation,
    "campaign": processes.run_campaign,
    "import on the machine's clock": partial(processes.run_import, clock=None),
    "recover all": partial(processes.run_campaign, pattern=processes.RECOVERING),
    "terminate all": partial(processes.run_campaign, pattern=processes.TERMINATING),
    "look": processes.run_look,
}
#: These roles run until they are stopped. The others end by themselves.
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
        """Run until the client has finished, a child fails, or standard input closes.

        Returns the exit code.
        """
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
        """Handle the children that have ended or stopped. Returns the exit code of the host.

        Returns None if the host goes on.
        """
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
        """Kill the children that are left."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def tell(**event: object) -> None:
    """Print what has happened."""
    print(json.dumps(event), flush=True)


def main(home: str, *roles: str) -> int:
    """Run the roles. Returns the exit code."""
    Settings.model_config["env_file"] = None
    host = Host(Path(home))
    try:
        for role in roles:
            host.start(role)
        code = host.run()
    finally:
        host.end()
    tell(ended=code)
    return code
