"""A worker or the client is killed at every point. The result is the same as without a kill.

The rows are compared with those of the direct engine: money, periods, invoices, history, notices
and charges. The invariants of `tests.crash.state` must hold as well. Each operation sums to zero,
and its postings explain each balance. The ledger has each charge of the gateway once. Each living
subscription has a next step, in the database and in its workflow.

A machine waits most of its time until Temporal misses what was killed. So some play side by side.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.crash import points
from tests.crash.conftest import Machine
from tests.shared_database import NewDatabase

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

#: The points at which a worker is killed, for each place of an activity.
AT_ACTIVITIES = {
    place: [
        *points.ACTIVITIES[place],
        *RENEWALS[place],
        *RECOVERIES[place],
        *CONVERSIONS[place],
        *(point for point in points.REFUSED if point.endswith(place)),
    ]
    for place in points.PLACES
}

#: The points at which the client is killed, but for the ends of what it does. The scenario refuses
#: an extension in the worker first. The client refuses what comes after.
AT_COMMITS_OF_THE_CLIENT = [
    *(point for point in points.CLIENT if not point.endswith(".end")),
    *points.again(points.commits("purchase", "open_account", "notify", "clock"), 3),
    *points.again(points.REFUSED, 2),
]

#: By themselves: after a kill at its commit, a step that comes once does not reach its end.
AT_ENDS_OF_THE_CLIENT = [point for point in points.CLIENT if point.endswith(".end")]

#: The points of each machine, by its name.
KILLS = {
    **AT_ACTIVITIES,
    "gateway": [point for charge in CHARGES.values() for point in charge],
    "commits of the client": AT_COMMITS_OF_THE_CLIENT,
    "ends of the client": AT_ENDS_OF_THE_CLIENT,
}

#: So many machines play at the same time.
AT_ONCE = 3

Directly = Callable[[str], Any]


@pytest.fixture(scope="module")
def played(
    warmed_up: None,
    new_database: NewDatabase,
    temporal_address: str,
    new_namespace: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Machine]]:
    """Returns a function that gives a machine of `KILLS` after it has played the scenario.

    With the first machine the others begin, too.
    """
    databases, machines = ExitStack(), dict[str, Future[Machine]]()

    def play(name: str, home: Path) -> Machine:
        url = databases.enter_context(new_database())
        machine = Machine(home, url, temporal_address, new_namespace())
        machine.prepare(SCENARIO)
        machine.run("worker", "player", fail_at=KILLS[name])
        return machine

    def of(name: str) -> Machine:
        for each in (name, *KILLS):
            if each not in machines:
                # Two threads cannot make the first directory of a test process at once.
                machines[each] = pool.submit(play, each, tmp_path_factory.mktemp("kills"))
        return machines[name].result()

    with databases, ThreadPoolExecutor(AT_ONCE) as pool:
        yield of
        pool.shutdown(cancel_futures=True)


def check(machine: Machine, directly: Directly, *, worker: int = 0, player: int = 0) -> None:
    """`worker` and `player` processes were killed, and the outcome is that of the direct engine."""
    assert machine.killed == {
        role: count for role, count in {"worker": worker, "player": player}.items() if count
    }
    outcome, expected = machine.outcome(), directly(SCENARIO)
    for part, rows in expected.items():
        assert outcome[part] == rows, part


@pytest.mark.parametrize("place", points.PLACES)
def test_a_worker_that_is_killed_at_every_activity(
    played: Callable[[str], Machine], directly: Directly, place: str
) -> None:
    check(played(place), directly, worker=len(KILLS[place]))


def test_a_worker_that_is_killed_around_every_call_of_the_gateway(
    played: Callable[[str], Machine], directly: Directly
) -> None:
    """Each card in turn: charged, declined, charged without a reply, lost before the charge."""
    assert {kill.partition(":")[0] for kill in KILLS["gateway"]} == {*points.CHARGE}
    check(played("gateway"), directly, worker=len(KILLS["gateway"]))


def test_a_client_that_is_killed_at_every_commit(
    played: Callable[[str], Machine], directly: Directly
) -> None:
    name = "commits of the client"
    check(played(name), directly, player=len(KILLS[name]))


def test_a_client_that_is_killed_at_the_end_of_everything_it_does(
    played: Callable[[str], Machine], directly: Directly
) -> None:
    name = "ends of the client"
    check(played(name), directly, player=len(KILLS[name]))


def test_without_a_crash_every_point_is_reached_and_both_engines_agree(
    machine: Machine, directly: Directly
) -> None:
    machine.prepare(SCENARIO)
    machine.run("worker", "player")
    check(machine, directly)
    assert set(machine.reached) == points.OF_THE_SCENARIO
