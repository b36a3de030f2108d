"""A month is billed while processes are killed. Each account has one invoice (Rule 11.4)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from activities.open_account import NewAccount, open_account
from activities.usage_batch import charge_usage
from core.domain import policy
from core.domain.commands.usage import Usage
from core.domain.subscription import Mode
from core.ledger import stored_terms
from tests.crash import points, state
from tests.crash.conftest import Machine

MAY = datetime(2023, 5, 20, tzinfo=UTC)
ACCOUNTS, ROWS = 12, 3


def prepare(machine: Machine) -> None:
    """Prepaid and postpaid accounts, each with three calls in May 2023, which is long over."""
    with machine.ledger() as ledger:
        with ledger.transaction("terms") as connection:
            stored_terms.add_policy(connection, "main", policy.DEFAULT)
        ids = [f"a{number:02}" for number in range(ACCOUNTS)]
        for number, id_ in enumerate(ids):
            account = NewAccount(
                id=id_,
                seller="main",
                currency="EUR",
                timezone="Europe/Berlin",
                credit_limit=Decimal("10.00"),
                mode=Mode.POSTPAID if number % 3 == 0 else Mode.PREPAID,
            )
            open_account(ledger, account, MAY)
        calls = {
            id_: [
                Usage(
                    account=id_, amount=Decimal("1.25"), text="calls", request_id=f"{id_}/{number}"
                )
                for number in range(ROWS)
            ]
            for id_ in ids
        }
        charge_usage(replace(ledger, machine_now=lambda: MAY), MAY, calls)


def check(machine: Machine) -> None:
    """One invoice of 3.75 an account, every call on one of them, numbers without a gap."""
    with machine.ledger() as ledger, ledger.read() as connection:
        assert state.violations(ledger) == []
        invoices = connection.exec_driver_sql(
            "SELECT account, date::text, total, number FROM invoices ORDER BY account"
        ).all()
        calls = connection.exec_driver_sql(
            "SELECT count(*), count(invoice), count(DISTINCT invoice) FROM monthly_amounts"
        ).one()
        left = connection.exec_driver_sql(
            "SELECT count(*) FROM accounts WHERE unbilled <> 0 OR uninvoiced IS NOT NULL"
        ).scalar_one()
        steps = connection.exec_driver_sql("SELECT count(*) FROM steps").scalar_one()
    assert [(row.account, row.date, row.total) for row in invoices] == [
        (f"a{number:02}", "2023-05-31", Decimal("3.75")) for number in range(ACCOUNTS)
    ]
    assert sorted(row.number for row in invoices) == list(range(1, ACCOUNTS + 1))
    assert tuple(calls) == (ACCOUNTS * ROWS, ACCOUNTS * ROWS, ACCOUNTS)
    assert (left, steps) == (0, 0)


@pytest.mark.parametrize("place", points.PLACES)
def test_a_worker_that_is_killed_at_month_end(machine: Machine, place: str) -> None:
    prepare(machine)
    kills = points.again([f"monthly_invoice.{place}"], 1, 4, 7, 11)
    machine.run("worker", "month-end", fail_at=kills)
    assert machine.killed == {"worker": 4}
    check(machine)


def test_what_starts_and_numbers_is_killed_at_month_end(machine: Machine) -> None:
    prepare(machine)
    kills = points.again(points.commits("told"), 1)
    kills += points.again(points.commits("number_invoices"), 1, 2)
    machine.run("worker", "month-end", fail_at=kills)
    assert machine.killed["month-end"] >= 5
    check(machine)


def test_a_relay_that_is_killed_while_it_bills_many_accounts_at_once(machine: Machine) -> None:
    prepare(machine)
    kills = points.again(points.MONTH_END, 1, 3)
    kills += points.again(points.commits("number_invoices"), 1)
    machine.run("billing", fail_at=kills)
    assert machine.killed == {"billing": 6}
    check(machine)
