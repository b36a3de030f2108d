"""The order within an account by the machine's clock (Rules 1.6, 1.7).

In these shops a subscription is due, and its workflow sleeps for another hour because of the
jitter. A command that arrives meanwhile finds the subscription renewed all the same.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from unittest.mock import ANY

import pytest

from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.set_card import SetCard
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.steps import of_subscription
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import ChargeOutcome, ChargeRequest, Snapshot, StepRequest
from core.protocol.workflow_messages import subscription_workflow
from doors.service.relay import Pass, Relay
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
    """Check that the workflow, which has slept, is told what is committed."""
    version = shop.row(subscription).version
    assert await known_version(shop, subscription) < version
    assert await Relay(shop.perennial).once() == Pass(told=1, numbered=ANY)
    assert await known_version(shop, subscription) == version


async def known_version(shop: Shop, subscription: str) -> int:
    """The version that the workflow knows. `Perennial.state` would tell it before it asks."""
    workflow = shop.perennial.temporal.get_workflow_handle(subscription_workflow(subscription))
    state: Snapshot = await workflow.query("state", result_type=Snapshot)
    return state.subscription.version


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


async def test_a_purchase_after_a_due_step_runs_once_and_starts_its_workflow(
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
    monkeypatch.setattr(activity_driver, "_BRIEF_CHARGE", timedelta(milliseconds=100))
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


async def test_a_purchase_waits_for_a_renewal_by_card_that_is_due_before_it_rule_1_6(
    open_shop: OpenShop,
) -> None:
    """The account's workflow runs the renewal, with its charge. The purchase does not go there."""
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(AN_HOUR, opening="50.00", card="sim_ok")
        account = shop.row(s).account
        top_up = TopUp(account=account, amount=Decimal(10), request_id=shop.id("0"))
        buy = Purchase(
            subscription=shop.id("t"), account=account, sku="PRO", request_id=shop.id("1")
        )
        refused = await shop.perennial.do(buy)
        assert str(refused.refusal) == "usable 0.00 USD does not cover 50.00 (rule 4.1)"
        assert on_record(shop) == ["purchased", "card_charged", "renewed"]
        assert (await shop.perennial.do(top_up)).refusal is None
        await knows_what_is_committed(shop, s)


async def test_a_command_that_comes_while_a_card_gateway_is_silent_does_not_wait_a_day(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal waits for the gateway. It lets the command pass after ten seconds, here at once.

    The charge is withdrawn before the first call, because the subscription has ended (Rule 5.3).
    """
    monkeypatch.setattr(activity_driver, "_BRIEF_CHARGE", timedelta(milliseconds=100))
    async with open_shop(
        clock=False, jitter_seconds=80_000, workers=("workflows", "activities")
    ) as shop:
        s = await shop.due_soon(opening="50.00", card="sim_ok")
        await shop.until(s, lambda: bool(shop.sql("SELECT key FROM card_charges")))
        done = await shop.perennial.do(
            Terminate(subscription=s, reason="enough", request_id=shop.id("1"))
        )
        assert done.refusal is None
        assert shop.row(s).status == "TERMINATED"
        [(key,)] = [tuple(row) for row in shop.sql("SELECT key FROM card_charges")]
        step = StepRequest(subject=of_subscription(s), version=1, now=machine_now())
        made = shop.perennial.activities.call("charge", ChargeRequest(key=key, asked_by=step))
        assert made.outcome is ChargeOutcome.WITHDRAWN
        assert shop.charges() == []
