"""Nothing grows with an account's size in one message, one result or one wait."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import pytest

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
        started = [f"{acme}-{which}" for which in (1, 2, "first")]
        await shop.perennial.start_these(started)
        for s in started:
            await shop.until(s, lambda s=s: shop.row(s).renewal_failed)
        assert len(shop.sql(failed).all()) == MANY
        for command in (
            Suspend(account=acme, request_id="1"),
            Resume(account=acme, request_id="2"),
            TopUp(account=acme, amount=PRICE * MANY, request_id="3"),
        ):
            assert (await shop.perennial.do(command)).refusal is None
        assert shop.sql(failed).all() == []
        assert await shop.perennial.tell() == len(started)
        for s in started:
            assert (await shop.perennial.state(s)).subscription.version == 3
            assert await largest_event(shop, f"subscription/{s}") < LARGEST_EVENT
        assert await largest_event(shop, f"account/{acme}") < LARGEST_EVENT


#: The subscriptions of one account that are due at one instant, each by itself.
HERD = 250


def activities_of(events: Iterable[str]) -> int:
    """How many activities a history has, local ones included."""
    return sum(kind in ("ActivityTaskScheduled", "MarkerRecorded") for kind in events)


@pytest.mark.parametrize("what", ["expired", "renewed"])
async def test_subscriptions_of_one_account_that_are_due_together_run_about_one_activity_each(
    open_shop: OpenShop, what: str
) -> None:
    """The first that wakes takes the others along. They find their step done.

    One needs a second activity only when 100 steps come before its own, or when a renewal has not
    worked as a local activity. So the sum does not depend on the order in which they wake.
    """
    days = 26 if what == "renewed" else 34
    async with open_shop(
        clock=False, rules={"group_renewal": "independent", "late_renewal_days": 0}
    ) as shop:
        acme, ledger = shop.id("acme"), shop.perennial.ledger
        fill(ledger, acme, HERD, machine_now() - timedelta(days=days), PRICE * HERD)
        if what == "expired":
            shop.sql("UPDATE subscriptions SET auto_renew = false")
            shop.sql(
                "UPDATE steps SET kind = 'expire', rank = 3, by_date = NULL, "
                "due = date_trunc('day', due) + interval '8 days'"
            )
        herd = [f"{acme}-{number}" for number in range(1, HERD)]
        await shop.perennial.start_these(herd)
        for s in herd:
            await shop.until(s, lambda s=s: what in shop.events(s))
            await shop.settled(s)
        ran = [activities_of(await shop.history(s)) for s in herd]
        assert sum(ran) <= 1.2 * HERD
        done = shop.sql("SELECT count(*) FROM history WHERE event = :what", what=what)
        assert done.scalar_one() == len(herd)  # The last one has no workflow.
