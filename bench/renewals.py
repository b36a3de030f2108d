"""What a renewal from the wallet costs, and how many run per second.

Each window of renewals is paired with a window of no-op workflows of the same shape, and with
windows of DBOS if it is installed. Their order alternates from round to round. Each window has a
stack of its own: what a window leaves on a server, such as timers of workflows that were
terminated, would make the next one slower (bench/RESULTS.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

from bench import dbos, windows
from bench.figures import Bar, Figure, Result, Say, at_least, of_rounds
from bench.shop import open_shop
from bench.site import Site, site
from bench.windows import (
    COLD_CACHE,
    COLD_WORKFLOWS,
    PROCESSES,
    QUICK,
    THOROUGH,
    WARM_CYCLES,
    WARM_WORKFLOWS,
    Effort,
    Shape,
    Window,
    cpu_figures,
)
from settings import Settings

#: Bars of the rate, in renewals per second: warm, and cold.
_WARM, _COLD = at_least(150), at_least(90)
_PART_OF_NO_OP = at_least(0.85)


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure the rate and the CPU of renewals, of no-ops, and of DBOS."""
    effort, default = QUICK if quick else THOROUGH, Settings().cycles_per_run
    shapes = {Shape(WARM_CYCLES, cold=False): _WARM, Shape(default, cold=True): _COLD}
    found = await _rounds(list(shapes), effort, say)
    results = [_result(shape, bar, found, effort) for shape, bar in shapes.items()]
    if dbos.installed():
        results.append(_of_dbos(found, Shape(WARM_CYCLES, cold=False)))
    return results


_Found = dict[str, list[Window]]
_Measure = Callable[[Site, Sequence[str]], Awaitable[Window]]


async def _rounds(shapes: Sequence[Shape], effort: Effort, say: Say) -> _Found:
    """Measure each kind of window once a round. Every other round goes backwards."""
    kinds: dict[str, _Measure] = {}
    for shape in shapes:
        for kind in ("renewals", "nothing"):
            kinds[f"{kind}, {shape}"] = _temporal(kind, shape, effort)
    if dbos.installed():
        for processes in sorted({1, PROCESSES}):
            kinds[_dbos_name(processes)] = _dbos(processes, effort)
    found: _Found = defaultdict(list)
    for number in range(effort.rounds):
        order = list(kinds.items())
        for name, measure_one in order if number % 2 == 0 else reversed(order):
            say(f"round {number + 1} of {effort.rounds}: {name}")
            with site() as here:
                shop = await asyncio.to_thread(open_shop, here.database_url, WARM_WORKFLOWS)
                found[name].append(await measure_one(here, shop))
    return found


def _temporal(kind: str, shape: Shape, effort: Effort) -> _Measure:
    return lambda here, shop: windows.window(here, kind, shape, shop, effort)


def _dbos(processes: int, effort: Effort) -> _Measure:
    return lambda here, shop: dbos.window(here, processes, shop, effort)


def _dbos_name(processes: int) -> str:
    return f"DBOS, {processes} {'process' if processes == 1 else 'processes'}"


def _result(shape: Shape, bar: Bar, found: _Found, effort: Effort) -> Result:
    renewals, nothing = found[f"renewals, {shape}"], found[f"nothing, {shape}"]
    parts = [one.rate / other.rate for one, other in zip(renewals, nothing, strict=True)]
    return Result(
        f"A renewal from the wallet: {shape}",
        [
            of_rounds("renewals/s", [w.rate for w in renewals], "", bar),
            of_rounds("no-ops/s", [w.rate for w in nothing]),
            of_rounds("renewals as a part of no-ops", parts, "", _PART_OF_NO_OP),
            *cpu_figures("renewal", renewals),
            *cpu_figures("no-op", nothing),
        ],
        (
            "Each workflow is due a second after its last cycle.",
            f"cold: {COLD_WORKFLOWS} workflows, and the workers keep {COLD_CACHE} runs in memory, "
            "so each renewal replays its run, as after a month of sleep.",
            f"warm: {WARM_WORKFLOWS} workflows, and the workers keep all runs.",
            "On a machine that does other work, the CPU figures are more reliable.",
        ),
    )


def _of_dbos(found: _Found, warm: Shape) -> Result:
    ours = found[f"renewals, {warm}"]
    figures: list[Figure] = []
    for processes in sorted({1, PROCESSES}):
        name = _dbos_name(processes)
        theirs = found[name]
        figures += [
            of_rounds(f"{name}: renewals/s", [w.rate for w in theirs]),
            *cpu_figures(name, theirs),
        ]
        beside = [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]
        figures.append(of_rounds(f"Perennial, warm, beside {name}", beside, "", at_least(1)))
    return Result(
        "The same renewals by DBOS, in the same run",
        figures,
        (
            "The same SQL, in a step of a workflow that sleeps for a second. All workflows are in "
            f"memory. Perennial has {PROCESSES} worker processes here: "
            f"{median(w.rate for w in ours):.0f} renewals/s.",
        ),
    )
