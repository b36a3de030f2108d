"""A row of a campaign is one transaction, and the relay tells its workflow later.

Customers on the machine's clock go this way (docs/decisions/0023). It is killed at each of its
points. Each row is done once, and no workflow is left with an old step.
"""

import csv
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select

from core.domain.campaigns import RowOutcome
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.tables import CardCharge, Invoice, Operation, SubscriptionRow, Telling
from doors.queries.campaigns import find_campaign, list_campaigns, receipt
from tests.crash import points, processes, state
from tests.crash.conftest import Machine

CUSTOMERS = 10


def kills_of(command: str) -> list[str]:
    """The points of a row, each at the first and the sixth time, and those of a wave."""
    rows = [f"{command}.{place}" for place in points.PLACES]
    return [*points.again(rows, 1, 6), *points.commits("campaign_rows", "campaign_state")]


def prepare(machine: Machine, paid_for: int, **more: str) -> None:
    """Write a file of customers. Three of them share an account.

    `paid_for`: the days that are paid from today. `more`: further fields of each row.
    """
    paid_until = machine_now().date() + timedelta(days=paid_for)
    rows = [
        {
            "id": f"s{number}",
            "account": "shared" if number in (2, 5, 9) else f"a{number}",
            "currency": "EUR",
            "timezone": "UTC",
            "sku": "APP",
            "application": "desk",
            "months": 1,
            "price": "30.00",
            "paid_until": paid_until,
        }
        | more
        for number in range(CUSTOMERS)
    ]
    with (machine.home / processes.CUSTOMERS).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    machine.run("import on the machine's clock")


def count(ledger: Ledger, table: type, *conditions: object) -> int:
    """The number of rows of a table."""
    query = select(func.count()).select_from(table).where(*conditions)  # type: ignore[arg-type]
    with ledger.read() as connection:
        return connection.execute(query).scalar_one()


def check(machine: Machine, given: int, paid: int = 0, given_back: int = 0) -> None:
    """The newest of so many campaigns is finished. Each of its rows was done once."""
    with machine.ledger() as ledger:
        assert state.violations(ledger) == []
        lines = list_campaigns(ledger)
        assert [(line.rows, line.settled) for line in lines] == [(CUSTOMERS, CUSTOMERS)] * given
        newest = lines[0].campaign
        outcomes = [row.outcome for row in receipt(ledger, newest)]
        assert set(outcomes) == {RowOutcome.DONE, RowOutcome.REPEATED}
        [found] = find_campaign(ledger, newest).sums
        assert (found.paid, found.given_back) == (Decimal(paid), Decimal(given_back))
        assert count(ledger, Operation, Operation.request_id.like(f"{newest}/%")) == CUSTOMERS


def balances(ledger: Ledger) -> set[Decimal]:
    """What the accounts have."""
    with ledger.read() as connection:
        return set(connection.exec_driver_sql("SELECT balance FROM accounts").scalars())


def is_told(machine: Machine, changed: int) -> None:
    """The relay tells the workflows, is killed at it, and tells them again."""
    with machine.ledger() as ledger:
        assert count(ledger, Telling) == changed
    kills = ["told.before_commit", "told.after_commit=STOP"]
    machine.run("relay", fail_at=kills, stopped=machine.power_cut)
    with machine.ledger() as ledger:
        assert count(ledger, Telling) == 0
    machine.run("worker", "look")


def killed_at(machine: Machine, kills: list[str], *roles: str) -> None:
    """Run processes. Each of these points kills the one that reaches it."""
    machine.run(*roles, fail_at=kills)
    for kill in kills:  # Two rows of a process may reach two of them at once, and it dies once.
        point, _, times = kill.partition(":")
        assert machine.reached[point] >= int(times or 1), kill


def test_each_row_is_done_once_and_each_workflow_is_told(machine: Machine) -> None:
    """All are extended: 30.00 of 70.00 each are paid, three times from the shared account."""
    prepare(machine, 200, credits="70.00")
    killed_at(machine, kills_of("extend"), "worker", "campaign")
    check(machine, given=1, paid=300)
    with machine.ledger() as ledger:
        assert balances(ledger) == {Decimal(40), Decimal(120)}
    is_told(machine, CUSTOMERS)


def test_each_is_terminated_once_and_gets_its_money_back_once(machine: Machine) -> None:
    """The next period of each is paid and has not begun, so all of it goes back (Rule 8.2)."""
    prepare(machine, 200, credits="70.00")
    machine.run("worker", "campaign")
    (machine.home / "points").rename(machine.home / "points before")
    killed_at(machine, kills_of("terminate"), "worker", "terminate all")
    check(machine, given=2, given_back=300)
    with machine.ledger() as ledger:
        assert balances(ledger) == {Decimal(70), Decimal(210)}
        assert count(ledger, SubscriptionRow, SubscriptionRow.status == "TERMINATED") == CUSTOMERS
        assert count(ledger, Invoice, Invoice.total < 0) == CUSTOMERS
    is_told(machine, CUSTOMERS)


def test_a_row_that_needs_the_card_goes_on_in_its_workflow(machine: Machine) -> None:
    """Each is recovered by a card charge of its own. The transaction asks, the workflow charges."""
    prepare(machine, 1, status="past_due", card="sim_ok", renew_by_card="yes")
    kills = [*kills_of("recover"), *(f"charge.{place}" for place in points.PLACES)]
    killed_at(machine, kills, "worker", "recover all")
    check(machine, given=1, paid=300)
    with machine.ledger() as ledger:
        assert balances(ledger) == {Decimal(0)}
        assert count(ledger, CardCharge, CardCharge.outcome == "charged") == CUSTOMERS
    machine.run("worker", "look")
