"""A worker process for the bench: `python -m bench.worker SPEC`.

It runs the workers of an installation (`doors.service.workers`) with a workflow that is measured.
For each line on its standard input it prints what it has done so far. It ends when the input ends.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from temporalio import activity

from activities.registry import Activities
from bench.site import WorkerSpec, forget_configuration
from bench.tally import Tally
from bench.workflows import Herd, Hurried, Loaded, NoOp
from core.gateways.cards import CardGateway
from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial
from doors.commandline.worker_process import new_event_loop
from doors.service.workers import running
from settings import Settings

#: The workflow that the workers run, by the kind of a `WorkerSpec`.
MEASURED: dict[str, list[type]] = {"renewals": [Hurried], "nothing": [NoOp], "herd": [Herd]}


class Counted(Activities):
    """The activities, with a count of renewals and no-ops."""

    def __init__(self, ledger: Ledger, gateway: CardGateway, tally: Tally) -> None:
        super().__init__(ledger, gateway)
        self._tally = tally

    def call(self, name: str, request: Any) -> Any:
        """Run an activity by its name. A finished `renew` is counted."""
        result = super().call(name, request)
        if name == "renew":
            self._tally.done += 1
        return result

    def registered(self) -> list[Callable[..., Any]]:
        """The activities of an installation, and `nothing` for the no-op workflow."""

        @activity.defn
        def nothing(n: int) -> int:
            self._tally.done += 1
            return n

        return [*super().registered(), nothing]


def watch(perennial: Perennial, tally: Tally) -> None:
    """Count the activities and the statements of a connection from now on."""
    ledger, gateway = perennial.ledger, perennial.activities.gateway
    perennial.activities = Counted(ledger, gateway, tally)
    tally.watch(ledger.engine)


async def main(spec: WorkerSpec) -> None:
    """Run the workers that `spec` describes until the standard input ends."""
    config, tally = Settings(**spec.settings), Tally()
    Herd.due, Herd.window = spec.herd
    async with Perennial.connect(spec.database_url, spec.temporal_address, config) as perennial:
        watch(perennial, tally)
        async with running(spec.roles, perennial, config, workflows=MEASURED[spec.kind]):
            while await asyncio.to_thread(sys.stdin.readline):
                counts = replace(tally.counts(), runs=Loaded.runs)
                print(json.dumps(asdict(counts)), flush=True)


if __name__ == "__main__":
    forget_configuration()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(WorkerSpec(**json.loads(sys.argv[1]))))
