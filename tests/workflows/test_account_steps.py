"""The steps of an account run in its workflow (Rules 11.4, 11.8): by a test clock and by timers."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from activities.numbers import charge_activation
from core.domain.activation_fees import ActivationFee
from core.domain.commands.add_number import AddNumber
from core.domain.commands.changes import When
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.remove_number import RemoveNumber
from core.domain.commands.reopen_account import ReopenAccount
from core.domain.commands.swap_number import SwapNumber
from core.domain.steps import StepKind
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import AccountSnapshot
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import JANUARY, Shop, kinds


async def do(shop: Shop, command: Any) -> str | None:
    refusal = (await shop.perennial.do(command)).refusal
    return None if refusal is None else str(refusal)


async def test_a_closed_account_is_closed_for_good_when_its_clock_says_so(shop: Shop) -> None:
    acme = await shop.account(opening="0.00")
    assert await do(shop, CloseAccount(account=acme)) is None
    state = await shop.account_workflow().query("state", result_type=dict)
    assert (state["closed"], state["next_step"]["kind"]) == (True, StepKind.CLOSE_FOR_GOOD)
    await shop.advance(2021, 2, 14)
    assert shop.events() == ["account_closed"]
    await shop.advance(2021, 2, 15)
    assert shop.events() == ["account_closed", "account_closed_for_good"]
    await shop.account_workflow().result()
    assert await do(shop, ReopenAccount(account=acme)) == (
        f"account {acme} is closed for good (rule 11.8)"
    )


async def test_a_command_wakes_the_workflow_and_drops_its_step(shop: Shop) -> None:
    acme = await shop.account(opening="0.00")
    await do(shop, CloseAccount(account=acme))
    assert await do(shop, CloseAccount(account=acme)) == (
        f"account {acme} is closed already (rule 11.8)"
    )
    assert await do(shop, ReopenAccount(account=acme)) is None
    await shop.account_workflow().result()
    await shop.advance(2021, 4, 1)
    assert shop.events() == ["account_closed", "account_reopened"]


async def test_a_workflow_that_is_lost_is_started_by_the_tick(shop: Shop) -> None:
    acme = await shop.account(opening="0.00")
    await do(shop, CloseAccount(account=acme))
    await shop.account_workflow().terminate("lost")
    await shop.advance(2021, 3, 1)
    assert shop.events() == ["account_closed", "account_closed_for_good"]


async def test_by_the_clock_of_the_machine_it_sleeps_until_the_step(open_shop: OpenShop) -> None:
    async with open_shop(clock=False) as shop:
        acme = await shop.account(opening="0.00")
        await do(shop, CloseAccount(account=acme))
        assert "TimerStarted" in kinds(await shop.account_workflow().fetch_history())
        state = await shop.account_workflow().query("state", result_type=dict)
        assert state["next_step"]["due"] > machine_now().isoformat()


async def test_a_workflow_that_is_told_that_nothing_is_left_to_do_ends(open_shop: OpenShop) -> None:
    """The relay has made its monthly invoice, for example."""
    async with open_shop(clock=False) as shop:
        acme = await shop.account(opening="0.00")
        await do(shop, CloseAccount(account=acme))
        state = await shop.account_workflow().query("state", result_type=AccountSnapshot)
        told = replace(state, version=state.version + 1, next_step=None)
        await shop.account_workflow().signal("moved", told)
        await shop.account_workflow().result()


def activate(shop: Shop, subscription: str) -> None:
    """Charge an activation fee, as a command on the subscription does."""
    with shop.perennial.ledger.work(machine_now(), subscription=subscription) as work:
        charge_activation(work, subscription, [ActivationFee("+65", Decimal(5))])


async def test_the_monthly_invoice_is_made_by_the_workflow_of_the_account(shop: Shop) -> None:
    await shop.account()
    with shop.perennial.ledger.work(JANUARY, subscription=await shop.buy()) as work:
        charge_activation(work, shop.id("s"), [ActivationFee("+65", Decimal(5))])
    await shop.advance(2021, 1, 31)
    assert "invoiced" not in shop.events()
    await shop.advance(2021, 2, 1)
    assert shop.events()[-1] == "invoiced"
    await shop.account_workflow().result()


async def test_the_relay_starts_the_workflow_that_will_make_it(open_shop: OpenShop) -> None:
    """The first amount of a month is charged by a transaction of another workflow."""
    async with open_shop(clock=False) as shop:
        await shop.account()
        activate(shop, await shop.bought(machine_now() - timedelta(days=2)))
        assert await shop.perennial.tell() == 1
        state = await shop.account_workflow().query("state", result_type=dict)
        assert state["next_step"]["kind"] == StepKind.MONTHLY_INVOICE


async def test_numbers_are_changed_by_the_workflow_and_their_fees_are_invoiced(shop: Shop) -> None:
    """Bought on 01-15. The period has 31 days, all are left: 10.00 a number and 5.00 for each."""
    await shop.account()
    s = await shop.buy()
    for command in (
        AddNumber(subscription=s, number="+651", sku="DID"),
        AddNumber(subscription=s, number="+652", sku="DID", when=When.RENEWAL),
        SwapNumber(subscription=s, number="+651", to="+653"),
        RemoveNumber(subscription=s, number="+653", when=When.RENEWAL),
    ):
        assert await do(shop, command) is None
    assert await do(shop, RemoveNumber(subscription=s, number="+651")) == (
        f"+651 is not a number of {s} (rule 9)"
    )
    assert shop.balance() == "935.00"  # 1000 − 50 − 10 − 5
    known = (await shop.perennial.state(s)).subscription
    assert (known.numbers, known.coming) == ({}, ())  # A workflow needs no numbers.
    await shop.advance(2021, 2, 15)
    assert shop.balance() == "870.00"  # 60 with +652 and its activation fee
    assert shop.events().count("invoiced") == 1
    await shop.advance(2021, 3, 16)  # +653 is held from 02-15 on, until 03-15
    assert shop.events(s)[-1] == "number_released"
