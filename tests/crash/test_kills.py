"""A worker or the client is killed at every point. The result is the same as without a kill.

The rows are compared with those of the direct engine: money, periods, invoices, history, notices
and charges. The invariants of `tests.crash.state` must hold as well. Each operation sums to zero,
and its postings explain each balance. The ledger has each charge of the gateway once. Each living
subscription has a next step, in the database and in its workflow.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash import points
from tests.crash.conftest import Machine

SCENARIO = (Path(__file__).parent / "scenario.yaml").read_text()

#: A renewal reaches its points in different states: it pays from the wallet, it needs a card, the
#: charge was made, or the charge was declined. After each kill the retry is not killed, so the odd
#: counts are the first tries.
RENEWALS = {place: points.again([f"renew.{place}"], 3, 5, 7, 9) for place in points.PLACES}

#: A recover needs a card, reads the outcome of the charge, and recovers.
RECOVERIES = {place: points.again([f"recover.{place}"], 3, 5) for place in points.COMMIT} | {
    "end": ["recover.end:3"]
}

#: A conversion pays from the wallet, needs a card, pays after the charge, or is not funded.
CONVERSIONS = {place: points.again([f"convert_trial.{place}"], 3, 5, 7) for place in points.PLACES}

#: The charges in their order, each with two kills. A third kill would wait for Temporal's growing
#: intervals. The counts are those of all tries so far.
CHARGES = {
    "charged": ["charge_call.before_commit:1", "charge_call.after_commit:1"],
    "declined": ["charge.before_call:2", "charge.after_call:2"],
    "charged without a reply": ["charge.before_look_up:4", "charge.before_commit:3"],
    "lost before it charged": ["charge.after_look_up:6", "charge.after_commit:4"],
    "for a recover": ["charge.after_call:4", "charge.end:5"],
}

#: The scenario refuses an extension in the worker first. The client refuses what comes after.
REFUSED_BY_CLIENT = points.again(points.REFUSED, 2)

Directly = Callable[[str], Any]


def check(machine: Machine, directly: Directly, *, worker: int = 0, player: int = 0) -> None:
    """`worker` and `player` processes were killed, and the outcome is that of the direct engine."""
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
    assert set(machine.reached) == points.OF_THE_SCENARIO


@pytest.mark.parametrize("place", points.PLACES)
def test_a_worker_that_is_killed_at_every_activity(
    machine: Machine, directly: Directly, place: str
) -> None:
    machine.prepare(SCENARIO)
    kills = [*points.ACTIVITIES[place], *RENEWALS[place], *RECOVERIES[place], *CONVERSIONS[place]]
    kills += [point for point in points.REFUSED if point.endswith(place)]
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, worker=len(kills))


def test_a_worker_that_is_killed_around_every_call_of_the_gateway(
    machine: Machine, directly: Directly
) -> None:
    """Each card in turn: charged, declined, charged without a reply, lost before the charge."""
    machine.prepare(SCENARIO)
    kills = [point for charge in CHARGES.values() for point in charge]
    assert {kill.partition(":")[0] for kill in kills} == {*points.CHARGE}
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, worker=len(kills))


def test_a_client_that_is_killed_at_every_commit(machine: Machine, directly: Directly) -> None:
    machine.prepare(SCENARIO)
    kills = [
        *(point for point in points.CLIENT if not point.endswith(".end")),
        *points.again(points.commits("purchase", "open_account", "notify", "clock"), 3),
        *REFUSED_BY_CLIENT,
    ]
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, player=len(kills))


def test_a_client_that_is_killed_at_the_end_of_everything_it_does(
    machine: Machine, directly: Directly
) -> None:
    """By itself: after a kill at its commit, a step that comes once does not reach its end."""
    machine.prepare(SCENARIO)
    kills = [point for point in points.CLIENT if point.endswith(".end")]
    machine.run("worker", "player", fail_at=kills)
    check(machine, directly, player=len(kills))
