"""Closing an account, and opening it again (Rule 11.8)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from activities.import_customers import Customer, take_over
from activities.open_account import NewAccount, open_account
from core.domain import policy
from core.domain.commands.base import AccountCommand
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.purchase import Purchase
from core.domain.commands.reopen_account import ReopenAccount
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.ledger.stored_terms import add_policy
from core.protocol.activity_messages import CommandResult
from doors.application import test_clocks as clocks
from tests.ledger.conftest import Shop

MARCH = datetime(2021, 3, 1, tzinfo=UTC)


@pytest.fixture
def closable(shop: Shop) -> Shop:
    """An account without money on a test clock that stands at 2021-03-01."""
    shop.run(f"INSERT INTO clocks (id, now) VALUES ('c', '{MARCH.isoformat()}')")
    account = NewAccount(id="acme", seller="main", currency="USD", timezone="UTC", clock="c")
    open_account(shop.ledger, account, MARCH)
    return shop


async def advance(shop: Shop, day: str) -> None:
    """Let the clock advance to the first instant of a day."""
    until = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    await clocks.advance(shop.ledger, shop.engine, "c", until)


def refused(result: CommandResult) -> str:
    return "" if result.refusal is None else str(result.refusal)


def events(shop: Shop) -> list[str]:
    rows = shop.rows("SELECT event, at::date FROM history WHERE account = 'acme' ORDER BY seq")
    return [f"{day} {event}" for event, day in rows]


async def test_a_closed_account_can_be_opened_again_for_30_days_then_it_is_closed_for_good(
    closable: Shop,
) -> None:
    """Closed on 03-01. 03-31 is the last day to open it again, and 04-01 closes it for good."""
    result = closable.do(CloseAccount(account="acme"), MARCH)
    assert result.result is not None
    assert result.result.sentence() == (
        "Account acme is closed. It can be opened again until 31 March 2021."
    )
    assert result.snapshot is not None
    assert result.snapshot.next_step is not None
    assert result.snapshot.next_step.due == datetime(2021, 4, 1, tzinfo=UTC)

    await advance(closable, "2021-03-31")
    assert events(closable) == ["2021-03-01 account_closed"]
    await advance(closable, "2021-04-01")
    assert events(closable)[1:] == ["2021-04-01 account_closed_for_good"]
    assert closable.rows("SELECT subject FROM steps") == []
    again = closable.do(ReopenAccount(account="acme"), datetime(2021, 4, 2, tzinfo=UTC))
    assert refused(again) == "account acme is closed for good (rule 11.8)"


async def test_an_account_that_was_opened_again_is_not_closed_for_good(closable: Shop) -> None:
    closable.do(CloseAccount(account="acme"), MARCH)
    await advance(closable, "2021-03-31")
    reopened = closable.do(ReopenAccount(account="acme"), datetime(2021, 3, 31, tzinfo=UTC))
    assert reopened.refusal is None
    await advance(closable, "2021-05-01")
    assert events(closable) == ["2021-03-01 account_closed", "2021-03-31 account_reopened"]
    assert closable.do(TopUp(account="acme", amount=Decimal(5)), MARCH).refusal is None


def test_what_is_active_or_owed_keeps_an_account_open(closable: Shop) -> None:
    closable.do(TopUp(account="acme", amount=Decimal(80)), MARCH)
    closable.buy()
    close = CloseAccount(account="acme")
    assert refused(closable.do(close, MARCH)) == (
        "s1 of acme is ACTIVE; terminate it first (rule 11.8)"
    )
    closable.do(Terminate(subscription="s1", reason="closing"), MARCH)
    assert refused(closable.do(close, MARCH)) == (
        "account acme has a balance of 80.00 USD; withdraw its credits first (rule 11.8)"
    )


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (TopUp(account="acme", amount=Decimal(5)), "account acme is closed since 2021-03-01"),
        (CloseAccount(account="acme"), "account acme is closed already"),
        (
            Purchase(subscription="s2", account="acme", sku="PRO"),
            "account acme is closed since 2021-03-01",
        ),
    ],
)
def test_a_closed_account_takes_no_command_but_to_open_it_again(
    closable: Shop, command: AccountCommand, reason: str
) -> None:
    closable.do(CloseAccount(account="acme"), MARCH)
    assert refused(closable.do(command, MARCH)) == f"{reason} (rule 11.8)"


def test_an_open_account_cannot_be_opened_again(closable: Shop) -> None:
    result = closable.do(ReopenAccount(account="acme"), MARCH)
    assert refused(result) == "account acme is not closed (rule 11.8)"


async def test_the_policy_in_force_at_the_closing_decides(closable: Shop) -> None:
    """A policy that is loaded later changes nothing, and the test clock goes on."""
    closable.do(CloseAccount(account="acme"), MARCH)
    with closable.ledger.engine.begin() as connection:
        add_policy(connection, "main", policy.load({"account_closing_days": 60}))
    await advance(closable, "2021-04-02")
    assert events(closable)[1:] == ["2021-04-01 account_closed_for_good"]


def test_an_open_card_charge_keeps_an_account_open(closable: Shop) -> None:
    closable.run(
        "INSERT INTO card_charges (key, account, card, amount, currency, asked_at) "
        "VALUES ('k', 'acme', 'sim_ok', 50, 'USD', '2021-03-01')"
    )
    assert refused(closable.do(CloseAccount(account="acme"), MARCH)) == (
        "card charge k of account acme is still pending; "
        "try again after reconciliation has settled it (rule 11.8)"
    )


def test_nothing_is_imported_into_a_closed_account(closable: Shop) -> None:
    closable.do(CloseAccount(account="acme"), MARCH)
    customer = Customer(
        id="s9",
        account="acme",
        currency="USD",
        timezone="UTC",
        sku="PRO",
        months=1,
        anchor=date(2021, 2, 10),
    )
    taken = take_over(closable.ledger, [customer], MARCH, "c")
    assert (taken.new, taken.refused) == ((), {"s9": "account acme is closed (rule 11.8)"})
