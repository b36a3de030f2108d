"""What delivers messages, and the commands of endpoints, are killed at every commit and run again.

A message may arrive again after a kill, with the same id. None is lost (Rule 12).
"""

from sqlalchemy import func, select

from core.domain.event_payloads import message_id
from core.ledger.tables import Endpoint, History
from tests.crash import points, processes, state
from tests.crash.conftest import Machine


async def test_rule_12_deliveries_that_are_killed_at_every_commit_lose_no_message(
    machine: Machine,
) -> None:
    kills = [*points.MESSAGES, *points.ENDPOINTS]
    machine.run("messages", fail_at=kills)
    assert [point for point in kills if point not in machine.reached] == []
    assert machine.killed == {"messages": len(kills)}
    received = (machine.home / processes.RECEIVED).read_text().split()
    with machine.ledger() as ledger:
        assert state.violations(ledger) == []
        with ledger.engine.connect() as connection:
            happened = connection.execute(select(History.seq)).scalars().all()
            left = select(func.count()).where(Endpoint.removed_at.is_(None))
            assert connection.execute(left).scalar_one() == 0
    assert len(happened) >= len(processes.ENDPOINT_ACCOUNTS)
    assert set(received) == {message_id(seq) for seq in happened}
