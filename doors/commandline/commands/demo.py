"""`demo`: three months of real customers, on real workflows."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json


@command("demo", "demo", "demo --customers 50 --keep")
def demo(
    customers: Annotated[int, typer.Option(min=1, max=7043, help="How many customers.")] = 200,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the stack running that the demo has started.")
    ] = False,
    json: Json = False,
) -> None:
    """Play three months of real customers.

    You see failures, retries, a recovery and a refund. The demo runs for about two minutes, and it
    can be repeated.
    """
    from rich.console import Console

    from doors.commandline import demonstration
    from doors.commandline.async_run import run
    from doors.commandline.connection import configured
    from doors.commandline.output import console, show

    on = Console(stderr=True) if json else console()
    played = run(demonstration.demo(configured(), on, customers=customers, keep=keep))
    show(played, [], json=json)
