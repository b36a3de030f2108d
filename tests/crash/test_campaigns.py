"""A campaign is killed at every point, on both sides. Each row is done once, and says so."""

from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core.domain.campaigns import CampaignState, RowOutcome
from core.ledger.tables import Operation
from doors.queries.campaigns import find_campaign, list_campaigns, receipt
from tests.crash import points, state, test_import
from tests.crash.conftest import Machine
from tests.crash.test_servers import Site, site

__all__ = ["site"]


def check(machine: Machine) -> None:
    """The campaign is finished: ten rows are done, each paid once."""
    with machine.ledger() as ledger:
        assert state.violations(ledger) == []
        [line] = list_campaigns(ledger)
        assert (line.state, line.rows, line.settled) == (CampaignState.FINISHED, 10, 10)
        done = {row.outcome for row in receipt(ledger, line.campaign)}
        assert done <= {RowOutcome.DONE, RowOutcome.REPEATED}
        [paid] = find_campaign(ledger, line.campaign).sums
        assert paid.paid == Decimal(300)
        with ledger.engine.connect() as connection:
            extended = select(func.count()).where(Operation.request_id.like(f"{line.campaign}/%"))
            assert connection.execute(extended).scalar_one() == 10


@pytest.mark.parametrize("place", points.COMMIT)
def test_each_row_is_done_once_when_processes_are_killed(machine: Machine, place: str) -> None:
    """The worker dies around a wave and around the end, the client around its commits."""
    test_import.prepare(machine)
    machine.run("import")
    kills = [point for point in points.CAMPAIGNS if point.endswith(place)]
    kills += points.again([f"campaign_rows.{place}"], 3)
    machine.run("worker", "campaign", fail_at=kills)
    assert sum(machine.killed.values()) == len(kills)
    check(machine)
    if place == "before_commit":
        with machine.ledger() as ledger:
            [line] = list_campaigns(ledger)
            assert find_campaign(ledger, line.campaign).repeated >= 4


#: In a wave: before and after a row's command and the record of the wave.
SERVERS_DIE = (
    "extend.before_commit=STOP",
    "extend.after_commit:3=STOP",
    "campaign_rows.before_commit:2=STOP",
    "campaign_rows.after_commit:3=STOP",
)


def test_each_row_is_done_once_when_postgresql_and_temporal_are_killed(site: Site) -> None:
    """The worker stops in a wave, one server after the other is killed, and the worker goes on."""
    test_import.prepare(site.machine)
    site.machine.run("import")
    kills = iter((site.kill_postgres, site.kill_temporal) * 2)
    site.machine.run("worker", "campaign", fail_at=SERVERS_DIE, stopped=lambda: next(kills)())
    assert site.machine.stopped == len(SERVERS_DIE)
    check(site.machine)
