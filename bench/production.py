"""Renewals on the production server of Temporal beside the embedded one, in one run.

The production server has a PostgreSQL of its own, and 4 or 512 history shards.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from bench import windows
from bench.figures import Result, Say, of_rounds
from bench.production_server import VERSION, make_namespace, production_site
from bench.shop import open_shop
from bench.site import Site, site
from bench.windows import QUICK, WARM_CYCLES, WARM_WORKFLOWS, Effort, Shape, Window, cpu_figures
from settings import Settings

SHARDS = (4, 512)
_EFFORT = Effort(warm_up=4, window=8, rounds=2)
_EMBEDDED = "embedded"


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure warm and cold windows on each server. Every other round goes backwards."""
    effort, cycles = QUICK if quick else _EFFORT, Settings().cycles_per_run
    shapes = [Shape(WARM_CYCLES, cold=False), Shape(cycles, cold=True)]
    sites: dict[str, Callable[[], AbstractContextManager[Site]]] = {_EMBEDDED: site}
    for shards in SHARDS:
        sites[f"{shards} shards"] = partial(production_site, shards)
    found: dict[Shape, dict[str, list[Window]]] = defaultdict(lambda: defaultdict(list))
    for number in range(effort.rounds):
        order = list(sites.items())
        for name, open_site in order if number % 2 == 0 else reversed(order):
            say(f"round {number + 1} of {effort.rounds}: {name} is started")
            with open_site() as here:
                await make_namespace(here.temporal_address)
                subscriptions = await asyncio.to_thread(
                    open_shop, here.database_url, WARM_WORKFLOWS
                )
                for shape in shapes:
                    say(f"round {number + 1} of {effort.rounds}: {name}, {shape}")
                    found[shape][name].append(
                        await windows.window(here, "renewals", shape, subscriptions, effort)
                    )
    return [
        Result(
            f"Renewals by server: {shape}",
            [
                figure
                for name, measured in of_shape.items()
                for figure in (
                    of_rounds(f"{name}: renewals/s", [w.rate for w in measured]),
                    *cpu_figures(name, measured),
                )
            ],
            (
                f"The production server is {VERSION}, all services in one process. Its database "
                "is the machine's PostgreSQL, and does not wait for the disk either.",
            ),
        )
        for shape, of_shape in found.items()
    ]
