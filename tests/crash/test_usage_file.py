"""A file of usage is killed half way and charged again. No row is charged twice (Rule 4.2)."""

import csv
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from activities.open_account import NewAccount, open_account
from core.domain import policy
from core.ledger import stored_terms
from tests.crash import points, processes, state
from tests.crash.conftest import Machine

NOW = datetime(2023, 3, 10, tzinfo=UTC)
ROWS, ACCOUNTS = 2500, 8


def prepare(machine: Machine) -> None:
    """Accounts with 10.00 each, and a file of three batches."""
    with machine.ledger() as ledger:
        with ledger.transaction("terms") as connection:
            stored_terms.add_policy(connection, "main", policy.DEFAULT)
        for number in range(ACCOUNTS):
            account = NewAccount(
                id=f"a{number}",
                seller="main",
                currency="EUR",
                timezone="UTC",
                credits=Decimal("10.00"),
            )
            open_account(ledger, account, NOW)
    with (machine.home / processes.USAGE).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["request_id", "account", "amount", "text"])
        for number in range(ROWS):
            writer.writerow([f"call-{number}", f"a{number % ACCOUNTS}", "0.00123", "calls"])


def check(machine: Machine) -> None:
    """Every row was charged once: 2,500 × 0.00123 = 3.07500."""
    with machine.ledger() as ledger, ledger.read() as connection:
        assert state.violations(ledger) == []
        charged = connection.exec_driver_sql(
            "SELECT count(*), count(DISTINCT request_id) FROM operations WHERE purpose = 'usage'"
        ).one()
        waiting = connection.exec_driver_sql(
            "SELECT count(*), sum(amount) FROM monthly_amounts"
        ).one()
        left = connection.exec_driver_sql("SELECT sum(balance) FROM accounts").scalar_one()
    assert tuple(charged) == (ROWS, ROWS)
    assert tuple(waiting) == (ROWS, Decimal("3.07500"))
    assert left == ACCOUNTS * 10 - Decimal("3.07500")
    with (machine.home / processes.RECEIPT).open(newline="") as file:
        receipt = list(csv.DictReader(file))
    assert len(receipt) == ROWS
    assert {row["outcome"] for row in receipt} <= {"charged", "repeated"}


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("point", points.USAGE)
def test_killed_at_a_batch_and_run_again_every_row_is_charged_once(
    machine: Machine, point: str, count: int
) -> None:
    prepare(machine)
    machine.run("usage", fail_at=[f"{point}:{count}"])
    assert machine.killed == {"usage": 1}
    check(machine)
