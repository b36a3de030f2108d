"""The command line of Perennial: ``python starter.py --help``.

The commands are in `doors/commandline/commands/`. This module adds the embedded stack, where it is
installed, and ends the process with the exit code of the command.
"""

from doors.commandline import embedded_stack
from doors.commandline.app import load_app
from doors.commandline.process_exit import run_and_exit


def _load_embedded_stack() -> embedded_stack.EmbeddedStack:
    from local import stack

    return stack


embedded_stack.register(_load_embedded_stack)
app = load_app()

if __name__ == "__main__":
    run_and_exit(app)
