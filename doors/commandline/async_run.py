"""How the command line runs a coroutine, and what ctrl-C does to it."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Coroutine
from typing import Any, TypeVar

from doors.application.safe_text import printable, without_passwords
from doors.commandline.exit_codes import Code, Ended

R = TypeVar("R")


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine. Ctrl-C cancels it and waits until it has released its resources."""
    try:
        return asyncio.run(_interruptible(work))
    except Exception:
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            print(printable(without_passwords(traceback.format_exc())), file=sys.stderr)
        raise


async def _interruptible(work: Coroutine[Any, Any, R]) -> R:
    """Report an interruption as such, even if it has caused another error."""
    try:
        return await work
    except Exception as error:
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            raise
        if isinstance(error, Ended):
            raise Ended(f"Interrupted. {error}", Code.INTERRUPTED) from None
        raise asyncio.CancelledError from None
