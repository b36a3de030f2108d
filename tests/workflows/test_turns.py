"""The order within an account by the machine's clock (Rules 1.6, 1.7).

In these shops a subscription is due, and its workflow sleeps for another hour because of the
jitter. A command that arrives meanwhile finds the subscription renewed all the same.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.set_card import SetCard
from core.domain.commands.suspend import Suspend
from core.ledger.clocks import machine_now
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import Shop
from workflows import activity_driver

AN_HOUR = 3600.0


def on_record(shop: Shop) -> list[str]:
    """All events but notices, in order."""
    return [
        row.event
        for row in shop.sql("SELECT event FROM history ORDER BY seq")
        if row.event != "notice_renewal"
    ]


async def knows_what_is_committed(shop: Shop, subscription: str) -> None:
    """Check that the workflow, which has slept, knows what is committed."""
    version = shop.row(subscription).version
    await shop.until(subscription, lambda: shop.row(subscription).version == version)
    assert (await shop.perennial.state(subscription)).subscription.version == version


async def test_a_suspension_finds_renewed_what_was_due_before_it_rule_1_6(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(AN_HOUR)
        result = await shop.perennial.do(
            Suspend(account=shop.row(s).account, request_id=shop.id("1"))
        )
        assert result.refusal is None
        assert on_record(shop) == ["purchased", "renewed", "account_suspended"]
        await knows_what_is_committed(shop, s)


async def test_a_purchase_finds_the_credits_that_a_renewal_has_left_rules_1_6_and_4_1(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(AN_HOUR, opening="140.00")
        buy = Purchase(
            subscription=shop.id("t"),
            account=shop.row(s).account,
            sku="PRO",
            request_id=shop.id("1"),
        )
        refused = await shop.perennial.do(buy)
        assert refused.refusal is not None
        assert (refused.refusal.rule, refused.refusal.reason) == (
            "4.1",
            "usable 40.00 USD does not cover 50.00",
        )
        bought = await shop.perennial.do(replace(buy, sku="BIZ", request_id=shop.id("2")))
        assert bought.refusal is None
        assert on_record(shop) == ["purchased", "renewed", "purchased"]
        assert shop.row(buy.subscription).workflow_started
        await knows_what_is_committed(shop, s)


async def test_a_purchase_through_the_workflow_of_the_account_runs_once_and_starts_its_workflow(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(AN_HOUR)
        buy = Purchase(
            subscription=shop.id("t"),
            account=shop.row(s).account,
            sku="PRO",
            request_id=shop.id("1"),
        )
        first, second = await shop.perennial.do(buy), await shop.perennial.do(buy)
        assert (second.result, second.replayed) == (first.result, True)
        assert on_record(shop) == ["purchased", "renewed", "purchased"]
        assert (await shop.perennial.state(buy.subscription)).subscription.version == 1


async def test_a_command_on_another_subscription_finds_it_renewed_rule_1_6(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(AN_HOUR)
        # It was bought before s, when nothing was due yet.
        other = Purchase(
            subscription=shop.id("t"),
            account=shop.row(s).account,
            sku="YEAR",
            request_id=shop.id("1"),
        )
        assert shop.call("purchase", other, machine_now() - timedelta(days=9)).refusal is None
        await shop.perennial.start(other.subscription)
        result = await shop.perennial.do(
            Extend(subscription=other.subscription, cycles=1, request_id=shop.id("2"))
        )
        assert result.refusal is not None  # 1000 − 500 − 50 − 50 < 500
        assert on_record(shop) == ["purchased", "purchased", "renewed"]
        await knows_what_is_committed(shop, s)


async def test_a_command_does_not_wait_for_a_card_gateway_that_does_not_respond(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It skips the charge after ten seconds, here at once. The charge stays pending."""
    monkeypatch.setattr(
        activity_driver,
        "_BRIEF_CHARGE",
        replace(activity_driver._BRIEF_CHARGE, within=timedelta(milliseconds=100)),
    )
    async with open_shop(
        clock=False, jitter_seconds=80_000, workers=("workflows", "activities")
    ) as shop:
        s = await shop.due_soon(AN_HOUR, opening="50.00", card="sim_ok")
        result = await shop.perennial.do(
            SetCard(account=shop.row(s).account, card="sim_declined", request_id=shop.id("1"))
        )
        assert result.refusal is None
        assert on_record(shop) == ["purchased"]
        assert [
            tuple(row) for row in shop.sql("SELECT subscription, outcome, booked FROM card_charges")
        ] == [(s, "pending", False)]
