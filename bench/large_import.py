"""A large import: its rate with workflows, its memory, and what is left after kills.

    python -m bench.large_import               100,000 rows
    python -m bench.large_import 20000

The file repeats the telco customers under other ids. The import starts a workflow for each. Bare
workflow starts are measured before and after it, so that a change of the machine shows. The
Temporal server keeps its data in a file: 100,000 workflows are too many for its memory. Then
processes that import another file are killed at random, until one comes to its end.
"""

import asyncio
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from sqlalchemy import text

from bench.imports import bare_starts
from bench.memory import FILE, MAPPING
from bench.site import Site, forget_configuration, site
from doors.application.perennial import Perennial
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from settings import Settings

KILLED_PART = 10
"""The file of the kills is so many times smaller."""
BARE_PART = 5
"""So many times fewer bare workflows are started."""
_MIB = 1024 * 1024
_DOUBLE = text(
    "SELECT count(*), count(DISTINCT subscription) FROM operations WHERE purpose = 'import'"
)
_COUNTS = text("SELECT count(*), count(*) FILTER (WHERE workflow_started) FROM subscriptions")


def write_file(file: Path, rows: int, start: str) -> None:
    """Write a file of so many rows. `start`: the beginning of every id."""
    with FILE.open(newline="") as opened:
        header, *customers = csv.reader(opened)
    with file.open("w", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(header)
        for number in range(rows):
            row = customers[number % len(customers)]
            writer.writerow([f"{start}{number}-{row[0]}", *row[1:]])


async def take(database_url: str, temporal_address: str, file: Path, *, memory: bool) -> None:
    """Import a file, and print what it took. `memory`: print the memory of each tenth."""
    process, tenth = psutil.Process(), 0

    def progress(done: int, total: int) -> None:
        nonlocal tenth
        if memory and total and 10 * done // total > tenth:
            tenth = 10 * done // total
            print(f"  {10 * tenth} %: {process.memory_info().rss / _MIB:.0f} MiB", flush=True)

    async with Perennial.connect(database_url, temporal_address, Settings()) as perennial:
        report = await import_file(
            perennial.ledger,
            file,
            column_mapping.read(MAPPING),
            starter=perennial,
            progress=progress,
        )
    print(
        f"import: {report.rows:,} rows, {report.imported:,} new, {report.there:,} there, "
        f"{report.started:,} workflows in {report.seconds:.1f} s, "
        f"{report.started / report.seconds:.0f}/s; at most "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB",
        flush=True,
    )


async def measure(rows: int) -> None:
    """Run the measurements, and print them."""
    with tempfile.TemporaryDirectory() as folder, site(on_disk=True) as here:
        file = Path(folder) / "large.csv"
        write_file(file, rows, "m")
        await _bare(here, rows // BARE_PART, "before")
        await asyncio.to_thread(_child, here, file, memory=True)
        await _bare(here, rows // BARE_PART, "after")
        small = Path(folder) / "killed.csv"
        write_file(small, rows // KILLED_PART, "k")
        await asyncio.to_thread(_killed, here, small)
        with here.engine.connect() as connection:
            operations, distinct = connection.execute(_DOUBLE).one()
            subscriptions, started = connection.execute(_COUNTS).one()
        wanted = rows + rows // KILLED_PART
        assert (operations, distinct, subscriptions, started) == (wanted,) * 4
        print(f"{subscriptions:,} subscriptions, each once, each with a workflow", flush=True)


async def _bare(here: Site, count: int, when: str) -> None:
    async with Perennial.connect(here.database_url, here.temporal_address, Settings()) as perennial:
        seconds = await bare_starts(perennial.temporal, count, f"{when}-{time.time_ns()}")
    print(f"bare workflow starts {when}: {count / seconds:.0f}/s", flush=True)


def _start(here: Site, file: Path, *, memory: bool) -> "subprocess.Popen[bytes]":
    words = [here.database_url, here.temporal_address, str(file), str(int(memory))]
    return subprocess.Popen([sys.executable, "-m", "bench.large_import", "child", *words])


def _child(here: Site, file: Path, *, memory: bool) -> None:
    if _start(here, file, memory=memory).wait() != 0:
        raise RuntimeError("the import failed")


def _killed(here: Site, file: Path) -> None:
    """Kill imports of a file after some seconds, more each time, until one comes to its end."""
    kills, patience = 0, 2.0
    choose = random.Random(7)  # noqa: S311 (the instants of kills)
    while True:
        process = _start(here, file, memory=False)
        try:
            process.wait(timeout=patience * choose.uniform(0.5, 1.5))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills, patience = kills + 1, patience * 1.3
    print(f"killed {kills} times, then it came to its end", flush=True)


if __name__ == "__main__":
    forget_configuration()
    if sys.argv[1:2] == ["child"]:
        url, address, name, told = sys.argv[2:]
        asyncio.run(take(url, address, Path(name), memory=told == "1"))
    else:
        asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
