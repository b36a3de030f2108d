"""How a process ends: with its code, without tearing the interpreter down.

A thread of Temporal's client may still be giving Python's lock back when the program is done; an interpreter that is being torn down then
aborts the process (SIGABRT instead of the exit code): https://github.com/temporalio/sdk-python/issues/300.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def leaving(main: Callable[[], object]) -> NoReturn:
    """Run a program and end the process with the code that it answers, or exits with; 3 when its output cannot be written.

    Threads are not waited for and `atexit` is not run: what has to be finished, `main` finishes.
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
    os._exit(_written() or code or 0)


def _written() -> int:
    code = 0
    for output in filter(
        None, (sys.stdout, sys.stderr)
    ):  # none where the process was started without
        try:
            output.flush()
        except BrokenPipeError:
            pass  # who reads has seen enough
        except OSError as error:
            with suppress(OSError):
                print(f"The output cannot be written: {error.strerror}.", file=sys.stderr)
            code = 3
    return code
