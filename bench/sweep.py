"""How many cycles a run should have: rate and CPU of renewals, warm and cold.

The bench also compares one worker process with several, and a regular activity with a local one.
"""

import asyncio
from collections import defaultdict

from bench import windows
from bench.figures import Figure, Result, Say, of_rounds
from bench.shop import open_shop
from bench.site import site
from bench.windows import PROCESSES, QUICK, WARM_CYCLES, WARM_WORKFLOWS, Effort, Shape, Window
from settings import Settings

#: Cycles in a run, by whether runs are cold. Cold runs of 24 cycles take too long to grow.
CYCLES = {True: (1, 3, 6, 12), False: (1, 6, 24)}
_EFFORT = Effort(warm_up=4, window=7, rounds=1)


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure each shape once a round. Every other round goes backwards."""
    effort, default = QUICK if quick else _EFFORT, Settings().cycles_per_run
    shapes = [Shape(cycles, cold=cold) for cold in (True, False) for cycles in CYCLES[cold]]
    shapes += [Shape(default, locally=False)]
    if PROCESSES > 1:
        shapes += [Shape(default, processes=1), Shape(WARM_CYCLES, cold=False, processes=1)]
    found: dict[Shape, list[Window]] = defaultdict(list)
    with site() as here:
        subscriptions = await asyncio.to_thread(open_shop, here.database_url, WARM_WORKFLOWS)
        for number in range(effort.rounds):
            for shape in shapes if number % 2 == 0 else reversed(shapes):
                say(f"round {number + 1} of {effort.rounds}: {shape}")
                found[shape].append(
                    await windows.window(here, "renewals", shape, subscriptions, effort)
                )
    figures: list[Figure] = []
    for shape, measured in found.items():
        figures += [
            of_rounds(f"{shape}: renewals/s", [w.rate for w in measured]),
            of_rounds(f"{shape}: CPU of all parts", [w.cpu_ms for w in measured], "ms"),
            of_rounds(f"{shape}: cores that others used", [w.others for w in measured]),
        ]
    return [Result("Cycles per run", figures, (f"The default is {default} a run.",))]
