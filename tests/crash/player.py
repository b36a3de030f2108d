"""What the processes under test do: the worker, and a client that plays a scenario and can be killed anywhere.

The client writes down which steps it has finished, and when it comes back it begins with the first it has not: the clock is advanced
again, the command is given again with its request id. That is what the documentation tells every caller to do after a crash.
"""

import asyncio
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import update

from activities.number_invoices import number_invoices
from activities.registry import Activities
from client import clocks
from client.perennial import Perennial
from client.workers import ROLES, running
from domain.refusal import Refusal
from gateways.cards import GatewayUnavailable
from gateways.simulated import SimulatedCards
from ledger.tables import AccountRow
from ledger.work import Ledger
from settings import Settings
from simulation import player
from simulation.direct import Direct
from simulation.player import CLOCK, Engine
from simulation.report import Refused
from simulation.scenario import Scenario, parse

SCENARIO, JOURNAL = "scenario.yaml", "journal"


async def work(config: Settings, _: Path) -> None:
    """A worker of all roles, until it is told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with connected(config) as perennial, running(ROLES, perennial, config):
        await stop.wait()


async def play(config: Settings, home: Path) -> None:
    """The client: plays what is left of the scenario."""
    async with connected(config) as perennial:
        await play_on(scenario_of(home), perennial.ledger, perennial, home)


def connected(config: Settings) -> Any:
    """A client of the servers that the settings name."""
    assert config.database_url
    assert config.temporal_address
    return Perennial.connect(config.database_url, config.temporal_address, config)


def scenario_of(home: Path) -> Scenario:
    """The scenario of a home."""
    return parse((home / SCENARIO).read_text())


def open_all(scenario: Scenario, ledger: Ledger) -> None:
    """Before anything runs: policy, catalogue, clock and accounts. The simulated gateway has cards that a scenario file has no words for:
    an account whose name is one of them has that card."""
    player._open(scenario, ledger, min(step.at for step in scenario.steps))
    with ledger.engine.begin() as connection:
        for card in ("sim_timeout_charged", "sim_timeout_uncharged"):
            connection.execute(update(AccountRow).where(AccountRow.id == card.removeprefix("sim_")).values(card=card))


async def play_on(scenario: Scenario, ledger: Ledger, engine: Engine, home: Path) -> None:
    """Play what the journal does not have yet."""
    with (home / JOURNAL).open("a+", buffering=1) as journal:
        journal.seek(0)
        done = len(journal.readlines())
        for number, at in enumerate([*(step.at for step in scenario.steps), scenario.until_for("UTC")]):
            if number < done:
                continue
            await clocks.advance(ledger, engine, CLOCK, at)
            refusal = None
            if number < len(scenario.steps):
                step = scenario.steps[number]
                if step.outage_until is not None:
                    await clocks.advance(ledger, engine, CLOCK, step.outage_until, outage=True)
                if step.command is not None:
                    result = await engine.command(replace(step.command, request_id=f"step {number}"), at)
                    refusal = result.refusal and [result.refusal.rule, result.refusal.reason]
                    await clocks.advance(ledger, engine, CLOCK, at)
            else:
                number_invoices(ledger)
            journal.write(json.dumps(refusal) + "\n")


def refused(scenario: Scenario, home: Path) -> Iterator[Refused]:
    """The steps that were refused, from the journal."""
    for step, line in zip(scenario.steps, (home / JOURNAL).read_text().splitlines(), strict=False):
        if refusal := json.loads(line):
            yield Refused(step, Refusal(*refusal))


def direct(ledger: Ledger) -> Direct:
    """The engine of plain calls."""
    return Direct(_Patient(ledger, SimulatedCards(ledger.engine)))


class _Patient(Activities):
    """An activity that got no answer is called once more, as Temporal does."""

    def call(self, name: str, request: Any) -> Any:
        try:
            return super().call(name, request)
        except GatewayUnavailable:
            return super().call(name, request)
