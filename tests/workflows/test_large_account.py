"""Nothing grows with an account's size in one message, one result or one wait."""

from datetime import timedelta
from decimal import Decimal

from bench.large_account import PRICE, fill
from core.domain.commands.resume import Resume
from core.domain.commands.suspend import Suspend
from core.domain.commands.top_up import TopUp
from core.ledger.clocks import machine_now
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import Shop

#: The snapshots of so many subscriptions are more than Temporal takes in one message (2 MB).
MANY = 4_000
LARGEST_EVENT = 8_192


async def largest_event(shop: Shop, workflow: str) -> int:
    """The bytes of the largest event in the history of a workflow."""
    history = await shop.perennial.temporal.get_workflow_handle(workflow).fetch_history()
    return max(len(event.SerializeToString()) for event in history.events)


async def test_a_group_of_thousands_fails_is_suspended_and_is_healed_by_a_top_up(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False) as shop:
        acme, ledger = shop.id("acme"), shop.perennial.ledger
        fill(ledger, acme, MANY, machine_now() - timedelta(days=26), Decimal(0))
        failed = "SELECT id FROM subscriptions WHERE renewal_failed"
        started = ["s000001", "s000002", f"{acme}-first"]
        await shop.perennial.start_these(started)
        for s in started:
            await shop.until(s, lambda s=s: shop.row(s).renewal_failed)
        assert len(shop.sql(failed)) == MANY
        for command in (
            Suspend(account=acme, request_id="1"),
            Resume(account=acme, request_id="2"),
            TopUp(account=acme, amount=PRICE * MANY, request_id="3"),
        ):
            assert (await shop.perennial.do(command)).refusal is None
        assert shop.sql(failed) == []
        assert await shop.perennial.tell() == len(started)
        for s in started:
            assert (await shop.perennial.state(s)).subscription.version == 3
            assert await largest_event(shop, f"subscription/{s}") < LARGEST_EVENT
        assert await largest_event(shop, f"account/{acme}") < LARGEST_EVENT
