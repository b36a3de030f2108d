"""How long the command line takes to print its help: a process from its start to its end."""

import asyncio
import subprocess
import sys
import time

from bench.figures import Result, Say, at_most, of_rounds
from settings import PROJECT


async def measure(quick: bool, say: Say) -> list[Result]:
    """Time `starter.py --help`. The first run may have to compile, so it does not count."""
    say("starter.py --help")
    await asyncio.to_thread(_seconds)
    rounds = [await asyncio.to_thread(_seconds) for _ in range(3 if quick else 5)]
    return [Result("The command line", [of_rounds("starter.py --help", rounds, "s", at_most(0.5))])]


def _seconds() -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, PROJECT / "starter.py", "--help"], stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - begin
