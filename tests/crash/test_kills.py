"""A worker, or the client, is killed at every point; afterwards everything is as if nothing had been.

What happens is compared with the direct engine, row by row: money, periods, invoices, history, notices, charges. Besides, whatever
was killed, each operation sums to zero, each balance is explained by its postings, each charge of the gateway is in the ledger once, and
whatever lives has a next step, in the database and in its workflow.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash import points
from tests.crash.conftest import Machine

SCENARIO = (Path(__file__).parent / "scenario.yaml").read_text()

#: A renewal meets its points in different states: from the wallet, a card is needed, the charge has been made, has been declined. Each
#: kill is followed by a try that is not killed, so the odd counts are the first tries.
RENEWALS = {place: points.again([f"renew.{place}"], 3, 5, 7, 9) for place in points.PLACES}
FAILURES = {place: points.again([f"mark_failed.{place}"], 3) for place in points.PLACES}
#: Needs a card, takes up its outcome, recovers.
RECOVERIES = {place: points.again([f"recover.{place}"], 3, 5) for place in points.COMMIT} | {
    "end": ["recover.end:3"]
}

#: The charges in their order, two kills each (a third would have to wait for Temporal's growing intervals). The counts are those of the tries so far.
CHARGES = {
    "charged": ["charge_call.before_commit:1", "charge_call.after_commit:1"],
    "declined": ["charge.before_call:2", "charge.after_call:2"],
    "charged without an answer": ["charge.before_look_up:4", "charge.before_commit:3"],
    "lost before it charged": ["charge.after_look_up:6", "charge.after_commit:4"],
    "for a recover": ["charge.after_call:4", "charge.end:5"],
}

Directly = Callable[[str], Any]


def check(machine: Machine, directly: Directly, *, worker: int = 0, player: int = 0) -> None:
    """So many processes were killed, and everything is as if they had not been."""
    assert machine.killed == {
        role: count for role, count in {"worker": worker, "player": player}.items() if count
    }
    outcome, expected = machine.outcome(), directly(SCENARIO)
    for part, rows in expected.items():
        assert outcome[part] == rows, part


def test_without_a_crash_every_point_is_reached_and_both_engines_agree(
    machine: Machine, directly: Directly
) -> None:
    machine.prepare(SCENARIO)
    machine.run("worker", "player")
    check(machine, directly)
    assert set(machine.reached) == points.ALL - {
        *points.commits("take_over"),
        *points.RECONCILIATION,
    }


@pytest.mark.parametrize("place", points.PLACES)
def test_a_worker_that_is_killed_at_every_activity(
    machine: Machine, directly: Directly, place: str
) -> None:
    machine.prepare(SCENARIO)
    kills = [*points.ACTIVITIES[place], *RENEWALS[place], *FAILURES[place], *RECOVERIES[place]]
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, worker=len(kills))


def test_a_worker_that_is_killed_around_every_call_of_the_gateway(
    machine: Machine, directly: Directly
) -> None:
    """Each card in turn: charged, declined, charged without an answer, lost before it charged."""
    machine.prepare(SCENARIO)
    kills = [point for charge in CHARGES.values() for point in charge]
    assert {kill.partition(":")[0] for kill in kills} == {*points.CHARGE}
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, worker=len(kills))


def test_a_client_that_is_killed_at_every_commit(machine: Machine, directly: Directly) -> None:
    machine.prepare(SCENARIO)
    kills = [
        *points.CLIENT,
        *points.again(points.commits("purchase", "open_account", "notify", "clock"), 3),
    ]
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, player=len(kills))
