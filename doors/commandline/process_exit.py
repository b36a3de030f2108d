"""How a process ends: with its exit code, and without tearing the interpreter down.

A thread of Temporal's client may still release Python's lock when the program is done. An
interpreter that is being torn down then aborts the process with SIGABRT instead of the exit code:
https://github.com/temporalio/sdk-python/issues/300.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def run_and_exit(main: Callable[[], object]) -> NoReturn:
    """Run a program and end the process with the code that it returns or exits with.

    The code is 3 when the output cannot be written. Threads are not joined and `atexit` handlers do
    not run, so `main` must finish its own work.
    """
    try:
        code = main()
    except SystemExit as exited:
        code = exited.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    os._exit(_flush_output() or code or 0)


def _flush_output() -> int:
    """Flush stdout and stderr, where they exist. Returns 3 when that fails, else 0."""
    code = 0
    for output in filter(None, (sys.stdout, sys.stderr)):
        try:
            output.flush()
        except BrokenPipeError:
            pass  # the reader has closed the pipe on purpose
        except OSError as error:
            with suppress(OSError):
                print(f"The output cannot be written: {error.strerror}.", file=sys.stderr)
            code = 3
    return code
