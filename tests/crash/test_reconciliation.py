"""A reconciliation is killed at every commit, also while it books a charge.

In the end the charge is in the ledger once.
"""

from decimal import Decimal

from sqlalchemy import func, insert, select

from core.gateways.simulated_cards import SimulatedCards
from core.ledger.clocks import machine_now
from core.ledger.tables import CardCharge, Posting
from tests.crash import points, state
from tests.crash.conftest import Machine
from tests.crash.test_purchase import SCENARIO

KEY = "s1/4711"


def test_a_charge_is_booked_once_however_often_reconciliation_is_killed(machine: Machine) -> None:
    machine.prepare(SCENARIO)
    machine.run("worker", "player")
    with machine.ledger() as ledger:
        with ledger.engine.begin() as connection:
            values = {
                "key": KEY,
                "account": "acme",
                "subscription": "s1",
                "card": "sim_ok",
                "amount": 30,
                "currency": "EUR",
                "asked_at": machine_now(),
            }
            connection.execute(insert(CardCharge).values(values))
        SimulatedCards(ledger.engine).charge(KEY, "sim_ok", Decimal(30), "EUR")
        machine.run("worker", "reconciliation", fail_at=points.RECONCILIATION)
        assert machine.killed == {"reconciliation": len(points.RECONCILIATION)}
        assert state.violations(ledger) == []
        with ledger.engine.connect() as connection:
            charged = select(func.count(), func.sum(Posting.amount)).where(Posting.book == "card")
            assert connection.execute(charged).one() == (1, Decimal(-30))
