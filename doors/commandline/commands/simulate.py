"""`simulate`: play a scenario on servers of its own."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json


class Engine(StrEnum):
    """What plays a scenario."""

    DIRECT = "direct"
    TEMPORAL = "temporal"


@command("simulate", "simulate story.yaml", "simulate story.yaml --engine temporal --json")
def simulate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario (docs/scenario.md).")],
    engine: Annotated[
        Engine,
        typer.Option(help="direct: plain calls. temporal: real workflows on a temporary server."),
    ] = Engine.DIRECT,
    json: Json = False,
) -> None:
    """Play a scenario in a temporary database and show how it ends.

    This needs no running stack and touches no real data.
    """
    from doors.commandline import embedded_stack, inputs, tables
    from doors.commandline.async_run import run
    from doors.commandline.connection import configured
    from doors.commandline.output import show
    from doors.scenarios.scenario import parse
    from doors.simulation import throwaway_run

    scenario = parse(inputs.content("FILE", file))
    config, servers = configured(), embedded_stack.required(temporary=True)
    match engine:
        case Engine.DIRECT:
            report = run(throwaway_run.directly(scenario, config, servers))
        case Engine.TEMPORAL:
            report = run(throwaway_run.by_temporal(scenario, config, servers))
    show(report, [] if json else tables.simulation(report), json=json)
