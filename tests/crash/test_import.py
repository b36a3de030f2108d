"""An import is killed half way and run again. Each customer exists once and has a workflow.

So is the undoing of imports. Afterwards nothing is left of what came in.
"""

import csv
from decimal import Decimal

from sqlalchemy import func, select

from core.domain.numbers import NumberState
from core.ledger.tables import AccountRow, NumberRow, Operation, PeriodRow, SubscriptionRow
from tests.crash import points, processes, state
from tests.crash.conftest import Machine

CUSTOMERS = 10


def prepare(machine: Machine) -> None:
    """Write a file of customers. Three of them share an account."""
    with (machine.home / processes.CUSTOMERS).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "id",
                "account",
                "currency",
                "timezone",
                "credits",
                "sku",
                "application",
                "months",
                "price",
                "anchor",
            ]
        )
        for number in range(CUSTOMERS):
            account = "shared" if number in (2, 5, 9) else f"a{number}"
            writer.writerow(
                [
                    f"s{number}",
                    account,
                    "EUR",
                    "UTC",
                    "70.00",
                    "APP",
                    "desk",
                    1,
                    "30.00",
                    f"2022-{number + 1:02}-15",
                ]
            )


async def check(machine: Machine) -> None:
    """Each customer exists once, with its credits, and with a workflow that runs."""
    with machine.ledger() as ledger:
        assert state.violations(ledger) == []
        with ledger.engine.connect() as connection:
            for table, count in (
                (SubscriptionRow, CUSTOMERS),
                (PeriodRow, CUSTOMERS),
                (Operation, CUSTOMERS),
                (AccountRow, CUSTOMERS - 2),
            ):
                assert (
                    connection.execute(select(func.count()).select_from(table)).scalar_one()
                    == count
                ), table.__tablename__
            balances = {
                row.id: row.balance
                for row in connection.execute(select(AccountRow.id, AccountRow.balance))
            }
            started = connection.execute(
                select(func.bool_and(SubscriptionRow.workflow_started))
            ).scalar()
    assert started
    assert balances.pop("shared") == Decimal(210)
    assert set(balances.values()) == {Decimal(70)}
    async with machine.perennial() as perennial:
        running = [
            await perennial.temporal.get_workflow_handle(f"subscription/s{number}").describe()
            for number in range(CUSTOMERS)
        ]
    assert {description.status and description.status.name for description in running} == {
        "RUNNING"
    }


async def test_an_import_that_is_killed_at_every_commit_and_run_again(machine: Machine) -> None:
    prepare(machine)
    kills = [*points.IMPORT, *points.again(points.commits("take_over"), 3)]
    machine.run("import", fail_at=kills)
    assert machine.killed == {"import": len(kills)}
    await check(machine)


async def test_missing_workflows_of_an_interrupted_import_are_started_later(
    machine: Machine,
) -> None:
    prepare(machine)
    machine.run("import", fail_at=["take_over.after_commit:3=STOP"], stopped=machine.power_cut)
    async with machine.perennial() as perennial:
        assert await perennial.start_missing() > 0
    await check(machine)


async def test_an_undoing_that_is_killed_at_every_commit_and_run_again(machine: Machine) -> None:
    prepare(machine)
    machine.run("import")
    (machine.home / processes.NUMBERS).write_text("number,sku\n+4930111,DID\n+4930112,DID\n")
    kills = [*points.UNDO, *points.again(points.commits("undo_import"), 3)]
    machine.run("undo", fail_at=kills)
    assert machine.killed["undo"] == len(kills)
    with machine.ledger() as ledger:
        assert state.violations(ledger) == []
        with ledger.engine.connect() as connection:
            for table in (SubscriptionRow, AccountRow):
                count = select(func.count()).select_from(table)
                assert connection.execute(count).scalar_one() == 0, table.__tablename__
            states = connection.execute(select(NumberRow.state)).scalars()
            assert list(states) == [NumberState.GONE] * 2
    async with machine.perennial() as perennial:
        ended = [
            await perennial.temporal.get_workflow_handle(f"subscription/s{number}").describe()
            for number in range(CUSTOMERS)
        ]
    assert {it.status and it.status.name for it in ended} == {"TERMINATED"}
