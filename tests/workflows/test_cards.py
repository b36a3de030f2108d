"""Card charges by real workflows against the simulated gateway.

Whatever the gateway does, it charges the card exactly once or not at all.
"""

import asyncio
from decimal import Decimal

import pytest

from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.top_up import TopUp
from core.domain.steps import of_subscription
from core.gateways.cards import GatewayUnavailable
from core.gateways.simulated_cards import SimulatedCards
from core.protocol.activity_messages import StepRequest
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, Shop

RENEWED = ["purchased", "notice_renewal", "card_charged", "renewed"]
FAILED = ["purchased", "notice_renewal", "card_declined", "renewal_failed"]


@pytest.mark.parametrize(
    ("card", "events", "charges", "balance"),
    [
        ("sim_ok", RENEWED, [(1, True)], "0.00"),
        ("sim_declined", FAILED, [(1, False)], "0.00"),
        ("sim_insufficient", FAILED, [(1, False)], "0.00"),
        ("sim_timeout_charged", RENEWED, [(1, True)], "0.00"),  # looked up, not called again
        ("sim_timeout_uncharged", RENEWED, [(2, True)], "0.00"),  # called again with the same key
        ("sim_rubbish", FAILED, [(1, False)], "0.00"),
    ],
)
async def test_a_renewal_by_card(
    shop: Shop, card: str, events: list[str], charges: list[tuple[int, bool]], balance: str
) -> None:
    await shop.account(opening="50.00", card=card)
    await shop.buy()
    await shop.advance(2021, 2, 7)
    assert shop.events() == events
    assert shop.charges() == charges
    assert shop.balance() == balance


async def test_a_gateway_that_is_down_and_comes_back_charges_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is down for the first call and the look-up after it. It is up at the retry."""
    reach, refused = SimulatedCards._reach, []

    def up_after_two(gateway: SimulatedCards) -> None:
        try:
            reach(gateway)
        except GatewayUnavailable as error:
            refused.append(error)
            if len(refused) == 2:
                gateway.set_down(False)
            raise

    monkeypatch.setattr(SimulatedCards, "_reach", up_after_two)
    await shop.account(opening="50.00", card="sim_ok")
    await shop.buy()
    shop.gateway.set_down(True)
    await shop.advance(2021, 2, 7)
    assert len(refused) == 2
    assert shop.events() == RENEWED
    assert shop.charges() == [(1, True)]


async def test_a_group_is_charged_once_for_all(shop: Shop) -> None:
    await shop.account(opening="90.00", card="sim_ok")
    await shop.buy("a", "PRO"), await shop.buy("b", "BIZ")
    await shop.advance(2021, 2, 7)
    assert shop.charges() == [(1, True)]
    assert shop.events() == [
        "purchased",
        "purchased",
        "notice_renewal",
        "notice_renewal",
        "card_charged",
        "renewed",
        "renewed",
    ]
    assert shop.sql("SELECT amount FROM simulated_charges").scalar_one() == Decimal(90)


async def test_recover_charges_the_card_once_though_it_is_sent_many_times(shop: Shop) -> None:
    await shop.account(opening="50.00", card="sim_declined")
    s = await shop.buy()
    await shop.advance(2021, 2, 7)
    await shop.perennial.do(
        SetCard(account=shop.id("acme"), card="sim_timeout_uncharged", request_id=shop.id("card"))
    )
    command = Recover(subscription=s, request_id=shop.id("r"))
    results = await asyncio.gather(*(shop.perennial.command(command, FEBRUARY) for _ in range(8)))
    assert all(result.refusal is None and result.result == results[0].result for result in results)
    assert sorted(shop.charges(), key=str) == [(1, False), (2, True)]
    assert shop.events(s)[-1] == "recovered"


async def test_a_declined_card_refuses_recover_and_is_on_record(shop: Shop) -> None:
    await shop.account(opening="50.00", card="sim_declined")
    s = await shop.buy()
    await shop.advance(2021, 2, 7)
    result = await shop.perennial.do(Recover(subscription=s, request_id=shop.id("r")))
    assert result.refusal is not None
    assert (result.refusal.rule, result.refusal.reason) == ("6.1", "the card was declined")
    assert shop.events()[-1] == "card_declined"
    assert shop.charges() == [(1, False), (1, False)]


async def test_without_a_worker_for_charges_the_renewal_waits(open_shop: OpenShop) -> None:
    async with open_shop(workers=("workflows", "activities")) as shop:
        await shop.account(opening="50.00", card="sim_ok")
        s = await shop.buy()
        advance = asyncio.create_task(shop.advance(2021, 2, 7))
        await shop.until_event(s, "ActivityTaskScheduled")
        assert shop.events() == ["purchased", "notice_renewal"]
        assert shop.charges() == []
        async with shop.working("charge"):
            await advance
        assert shop.events() == RENEWED


async def test_a_top_up_while_the_card_is_being_charged_is_not_lost(closed: Shop) -> None:
    """The account is topped up after the card was asked for. The renewal is paid once."""
    await closed.account(opening="50.00", card="sim_ok")
    s = await closed.buy()
    closed.set_clock(FEBRUARY)
    asked = closed.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
    assert asked.charge is not None
    closed.call("top_up", TopUp(account=closed.id("acme"), amount=Decimal(70)), FEBRUARY, past=(s,))
    async with closed.working():
        await closed.advance(2021, 2, 8)
    assert closed.events(s)[-1] == "renewed"
    assert closed.balance() == "20.00"
    # The wallet covers the fee. The card was asked for, but it is not charged.
    assert closed.charges() == []


async def test_no_card_token_is_in_a_history(shop: Shop) -> None:
    """Histories are kept by Temporal, and people look at them."""
    await shop.account(opening="50.00")
    s = await shop.buy()
    acme = shop.id("acme")
    await shop.perennial.do(SetCard(account=acme, card="sim_ok", request_id="1"))
    await shop.perennial.do(SetAccount(account=acme, renew_by_card=True, request_id="2"))
    await shop.advance(2021, 2, 7)
    assert shop.charges() == [(1, True)]
    for workflow in (shop.workflow(s), shop.account_workflow()):
        history = await workflow.fetch_history()
        assert b"sim_ok" not in b"".join(event.SerializeToString() for event in history.events)
