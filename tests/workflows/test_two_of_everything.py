"""Two workers, two relays and two reconciliations at once on one installation."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.domain.steps import of_subscription
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import StepRequest
from doors.application.perennial import Perennial
from doors.service.reconciliation import reconcile
from doors.service.relay import Relay
from doors.service.workers import ROLES, running
from tests.workflows.conftest import OpenShop

AHEAD, DUE = 12, 6


async def test_nothing_is_done_twice_or_left(
    open_shop: OpenShop, database: str, temporal_address: str
) -> None:
    """Workflows are missing, steps and notices are due, and a charge of unknown outcome is open."""
    async with (
        open_shop(clock=False, workers=()) as shop,
        Perennial.connect(database, temporal_address, shop.config) as second,
    ):
        now = machine_now()
        await shop.account()
        for n in range(AHEAD):
            # The notice of the coming renewal is due in these days.
            await shop.bought(now - timedelta(days=19), f"ahead{n}", start=False)
        shop.sql("UPDATE messages SET due = now() - interval '1 minute'")
        due = []
        for n in range(DUE):
            await shop.account(f"rich{n}")
            due.append(
                await shop.bought(
                    now - timedelta(days=28), f"due{n}", account=f"rich{n}", start=False
                )
            )
        await shop.account("card", opening="50.00", card="sim_ok")
        paid = await shop.bought(now - timedelta(days=28), "paid", account="card", start=False)
        asked = shop.step(
            "renew",
            StepRequest(subject=of_subscription(paid), version=1, now=now - timedelta(hours=1)),
        )
        assert asked.charge is not None
        shop.sql("UPDATE card_charges SET calls = 1, asked_at = now() - interval '1 hour'")
        shop.gateway.charge(asked.charge, "sim_ok", Decimal(50), "USD")
        both = (shop.perennial, second)
        # First without workers, so that all of them find the same work at the same time.
        passes = await asyncio.gather(
            *(Relay(one).once() for one in both), *(reconcile(one) for one in both)
        )
        assert [found.failed for found in passes[:2]] == [0, 0]  # type: ignore[union-attr]
        async with shop.working(), running(ROLES, second, shop.config):
            for s in (*due, paid):
                await shop.until(s, lambda s=s: "renewed" in shop.events(s))  # type: ignore[misc]
            await asyncio.gather(
                *(Relay(one).once() for one in both), *(reconcile(one) for one in both)
            )

        def one(query: str) -> Any:
            return shop.sql(query).scalar_one()

        assert one("SELECT count(*) FROM invoices") == AHEAD + 2 * (DUE + 1) + 1
        assert one("SELECT array_agg(number ORDER BY number) FROM invoices") == list(
            range(1, AHEAD + 2 * (DUE + 1) + 2)
        )
        assert one("SELECT count(*) FROM history WHERE event = 'renewed'") == DUE + 1
        assert one("SELECT count(*) FROM history WHERE event = 'card_charged'") == 1
        assert one("SELECT count(*) FROM subscriptions WHERE NOT workflow_started") == 0
        for notices in ("count(*)", "count(DISTINCT subscription)"):
            assert one(f"SELECT {notices} FROM history WHERE event LIKE 'notice%'") == AHEAD
        assert shop.charges() == [(1, True)]
