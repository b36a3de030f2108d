"""The client of a purchase is killed. There is one subscription, one charge and one workflow."""

from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from core.domain.commands.purchase import Purchase, PurchaseResult
from core.ledger.tables import Invoice, PeriodRow, Posting, SubscriptionRow
from tests.crash.conftest import Machine

SCENARIO = """
catalog:
  - {sku: APP, application: desk, kind: application, months: 1, prices: {EUR: "30.00"}}
accounts:
  - {id: acme, currency: EUR, timezone: UTC, credits: "100.00"}
steps:
  - {at: "2023-01-01T00:00:00Z", do: purchase, id: s1, account: acme, sku: APP}
until: "2023-01-01T00:00:00Z"
"""
#: The command as the client sends it.
PURCHASE = Purchase(subscription="s1", account="acme", sku="APP", request_id="step 0")


def bought(machine: Machine) -> tuple[int, int, int, Decimal, bool]:
    """What was bought: the numbers of subscriptions, periods and invoices, the sum that the wallet
    has paid, and whether the workflow was started."""
    with machine.ledger() as ledger, ledger.engine.connect() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (SubscriptionRow, PeriodRow, Invoice)
        ]
        paid = connection.execute(
            select(func.sum(-Posting.amount)).where(Posting.book == "wallet", Posting.amount < 0)
        ).scalar()
        started = connection.execute(
            select(func.bool_and(SubscriptionRow.workflow_started))
        ).scalar()
    return counts[0], counts[1], counts[2], paid or Decimal(0), bool(started)


async def test_killed_after_the_commit_its_missing_workflow_is_started_later(
    machine: Machine,
) -> None:
    machine.prepare(SCENARIO)
    machine.run("player", fail_at=["purchase.after_commit=STOP"], stopped=machine.power_cut)
    assert bought(machine) == (1, 1, 1, Decimal(30), False)
    async with machine.perennial() as perennial:
        assert await perennial.start_missing() == 1
        assert await perennial.start_missing() == 0
        description = await perennial.temporal.get_workflow_handle("subscription/s1").describe()
        assert description.status is not None
        assert description.status.name == "RUNNING"
    assert bought(machine) == (1, 1, 1, Decimal(30), True)


async def test_killed_after_the_commit_the_same_request_gets_the_first_result_and_the_workflow(
    machine: Machine,
) -> None:
    machine.prepare(SCENARIO)
    machine.run("player", fail_at=["purchase.after_commit=STOP"], stopped=machine.power_cut)
    async with machine.perennial() as perennial:
        for _ in range(3):
            result = await perennial.do(PURCHASE)
            assert (result.refusal, result.replayed) == (None, True)
            assert isinstance(result.result, PurchaseResult)
            assert result.result.expiry == date(2023, 1, 31)
    assert bought(machine) == (1, 1, 1, Decimal(30), True)


def test_killed_before_the_commit_nothing_was_bought(machine: Machine) -> None:
    machine.prepare(SCENARIO)
    machine.run("player", fail_at=["purchase.before_commit=STOP"], stopped=machine.power_cut)
    assert bought(machine) == (0, 0, 0, Decimal(0), False)


def test_the_relay_starts_what_a_crash_has_left_out(machine: Machine) -> None:
    machine.prepare(SCENARIO)
    machine.run("player", fail_at=["purchase.after_commit=STOP"], stopped=machine.power_cut)
    machine.run("relay", fail_at=["started.after_commit=STOP"], stopped=machine.power_cut)
    assert bought(machine) == (1, 1, 1, Decimal(30), True)
