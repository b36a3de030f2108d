"""The process of workers.

    python worker.py all                    all roles but api and console in one process
    python worker.py all api                with the HTTP API
    python worker.py all console            with the console of support
    python worker.py workflows activities   some roles. A large installation runs each by itself

`doors/commandline/worker_process.py` runs the roles. This module reads the arguments, adds the
embedded stack, where it is installed, and ends the process with an exit code.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from doors.application import logs
from doors.commandline import embedded_stack
from doors.commandline.errors import explained, message_of
from doors.commandline.exit_codes import Ended
from doors.commandline.process_exit import run_and_exit
from doors.commandline.worker_process import ALL_ROLES, SERVING, new_event_loop, run_roles
from settings import read_settings

DESCRIPTION = """roles:
  workflows    decides what happens when. Renewals from the wallet run here
  activities   renews, marks failed, expires, runs commands, reconciles
  charge       calls the card gateway, at a limited rate
  relay        starts missing workflows, checks notices that are due, makes and numbers invoices
  messages     delivers webhooks and e-mails
  api          serves the HTTP API on PERENNIAL_API_HOST and PERENNIAL_API_PORT (docs/api.md)
  console      serves the console of support on PERENNIAL_CONSOLE_HOST and PERENNIAL_CONSOLE_PORT
  all          all roles but api and console in one process

The program ends with code 3 and a message if PostgreSQL or Temporal is not available at the start.
Later it waits for them. SIGTERM or ctrl-C lets it finish its work (PERENNIAL_SHUTDOWN_SECONDS)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the roles that the arguments name until a signal comes. Returns the exit code."""
    parser = argparse.ArgumentParser(
        "worker.py", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "roles",
        nargs="+",
        metavar="ROLE",
        choices=[*ALL_ROLES, *SERVING, "all"],
        help=f"one or more of {', '.join((*ALL_ROLES, *SERVING))}, or all",
    )
    named = parser.parse_args(arguments).roles
    roles = [role for role in ALL_ROLES if role in named or "all" in named]
    roles += [role for role in SERVING if role in named]
    try:
        with explained():
            config = read_settings()
            logs.configure(config)
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(run_roles(roles, config))
    except Ended as ended:
        print(message_of(ended), file=sys.stderr)
        return int(ended.code)
    return 0


def _load_embedded_stack() -> embedded_stack.EmbeddedStack:
    from local import stack

    return stack


embedded_stack.register(_load_embedded_stack)

if __name__ == "__main__":
    run_and_exit(main)
