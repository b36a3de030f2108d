"""`python -m bench [--quick] [--only NAME …]` runs the benches.

It prints tables and writes bench/results/<time>.json. The tables show whether the bars hold. The
exit status is 0 unless a bench itself fails.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from bench.figures import Result, Say, print_result
from bench.site import forget_configuration, machine
from core.ledger.clocks import machine_now
from doors.commandline.process_exit import run_and_exit

RESULTS = Path(__file__).parent / "results"
BENCHES = {
    "command-line": "bench.command_line",
    "direct": "bench.direct",
    "import": "bench.starts",
    "memory": "bench.memory",
    "renewals": "bench.renewals",
    "scale": "bench.scale",
    "herd": "bench.herd",
    "sweep": "bench.sweep",
    "production": "bench.production",
    "year": "bench.year",
    "usage": "bench.usage",
    "month-end": "bench.month_end",
    "messages": "bench.messages",
    "http": "bench.http",
    "console": "bench.console",
}

#: Benches that run only when they are named. They need more than the project installs.
OPTIONAL = ("production",)


def main() -> int:
    """Run the benches that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench", description="What Perennial costs and how fast it is."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="smaller benches, each run once: takes minutes, the figures are only a first look",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=BENCHES,
        default=[name for name in BENCHES if name not in OPTIONAL],
        metavar="NAME",
        help=f"run only these benches, of {', '.join(BENCHES)} "
        f"(default: all but {', '.join(OPTIONAL)})",
    )
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    forget_configuration()
    console = Console(width=None if sys.stdout.isatty() else 120)
    at, begin = machine_now(), time.monotonic()
    console.print(f"{machine()}{'; quick' if asked.quick else ''}\n", style="dim", highlight=False)
    results, broken = _all(asked.only, asked.quick, console)
    _write(at, asked.quick, results, console)
    bars = [
        figure.passed
        for of_bench in results.values()
        for result in of_bench
        for figure in result.figures
        if figure.bar
    ]
    console.print(
        f"{bars.count(True)} of {len(bars)} bars hold; {time.monotonic() - begin:.0f} s",
        highlight=False,
    )
    for name, error in broken.items():
        console.print(f"[red]{name} failed:[/] {error}", highlight=False)
    return 1 if broken else 0


def _all(
    names: list[str], quick: bool, console: Console
) -> tuple[dict[str, list[Result]], dict[str, str]]:
    results: dict[str, list[Result]] = {}
    broken: dict[str, str] = {}
    errors = Console(stderr=True)
    with errors.status("") as status:

        def say(text: str) -> None:
            status.update(text)
            if not errors.is_terminal:
                errors.print(f"… {text}", style="dim", highlight=False)

        for name in names:
            try:
                measure: Callable[[bool, Say], Awaitable[list[Result]]] = import_module(
                    BENCHES[name]
                ).measure
                results[name] = asyncio.run(_await(measure(quick, say)))
            except KeyboardInterrupt:
                errors.print("Interrupted. Everything that was started is stopped.")
                raise SystemExit(130) from None
            except Exception as error:  # the other benches still run
                errors.print_exception()
                broken[name] = f"{type(error).__name__}: {error}"
                continue
            for result in results[name]:
                print_result(console, result)
    return results, broken


async def _await(measured: Awaitable[list[Result]]) -> list[Result]:
    return await measured


def _write(at: datetime, quick: bool, results: dict[str, list[Result]], console: Console) -> None:
    RESULTS.mkdir(exist_ok=True)
    document: dict[str, Any] = {
        "at": at.isoformat(timespec="seconds"),
        "machine": machine(),
        "quick": quick,
        "benches": {
            name: [result.as_json() for result in of_bench] for name, of_bench in results.items()
        },
    }
    file = RESULTS / f"{at:%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps(document, indent=2) + "\n")
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    console.print(f"written to {shown}", highlight=False)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run_and_exit(main)
