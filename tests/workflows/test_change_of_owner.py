"""A change of owner by the workflow of the subscription, on a test clock and by the machine's."""

import asyncio

from core.domain.commands.assign import Assign
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.terminate import Terminate
from doors.application.perennial import Perennial
from doors.service.reconciliation import reconcile
from doors.service.relay import Relay
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, Shop

AN_HOUR = 3600.0


async def test_the_workflow_lives_on_in_the_new_account_and_its_time_zone(shop: Shop) -> None:
    await shop.account("acme", opening="50.00")
    await shop.account("paris", opening="50.00", timezone="Europe/Paris")
    s = await shop.buy()
    given = ChangeOwner(subscription=s, account=shop.id("paris"), request_id=shop.id("c"))
    result = await shop.perennial.do(given)
    assert result.refusal is None
    assert (await shop.perennial.do(given)).replayed
    known = await shop.perennial.state(s)
    assert (known.account, known.timezone) == (shop.id("paris"), "Europe/Paris")
    assert known.next_step is not None
    assert known.next_step.due.isoformat() == "2021-02-06T23:00:00+00:00"
    await shop.advance(2021, 2, 7)
    assert shop.events(s)[-1] == "renewed"
    assert (shop.balance("acme"), shop.balance("paris")) == ("0.00", "0.00")
    assert (await shop.perennial.state(s)).subscription.version == shop.row(s).version
    assert (await reconcile(shop.perennial, full=True)).findings == ()


async def test_what_the_new_zone_sets_off_is_done_when_the_caller_is_answered(shop: Shop) -> None:
    await shop.account("acme", opening="50.00", timezone="Pacific/Honolulu")
    await shop.account("paris", opening="50.00", timezone="Europe/Paris")
    s = await shop.buy()
    await shop.advance(2021, 2, 7)  # It has begun in Paris, and not in Honolulu.
    assert shop.events(s)[-1] == "notice_renewal"
    await shop.perennial.do(
        ChangeOwner(subscription=s, account=shop.id("paris"), request_id=shop.id("c"))
    )
    assert shop.events(s)[-3:] == ["given_away", "owner_changed", "renewed"]
    with shop.perennial.ledger.engine.connect() as connection:
        at = connection.exec_driver_sql("SELECT at FROM history WHERE event = 'renewed'").scalar()
    assert at == FEBRUARY


async def test_what_is_due_in_both_accounts_by_the_machines_clock_comes_first_rule_1_6(
    open_shop: OpenShop,
) -> None:
    """Both have been due for an hour, and both workflows sleep because of the jitter."""
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(AN_HOUR)
        t = await shop.due_soon(2 * AN_HOUR, "t")
        old, new = shop.row(s).account, shop.row(t).account
        result = await shop.perennial.do(
            ChangeOwner(subscription=s, account=new, request_id=shop.id("c"))
        )
        assert result.refusal is None
        told = [
            (row.account, row.event)
            for row in shop.sql("SELECT account, event FROM history ORDER BY seq")
            if row.event not in ("purchased", "notice_renewal")
        ]
        assert told[-2:] == [(old, "given_away"), (new, "owner_changed")]
        assert sorted(told[:-2]) == sorted([(old, "renewed"), (new, "renewed")])
        await Relay(shop.perennial).once()
        known = await shop.perennial.state(s)
        assert (known.account, known.version) == (new, shop.row(s).version)


async def test_two_programs_that_change_one_subscription_at_once_get_one_order(
    shop: Shop, database: str, temporal_address: str
) -> None:
    for name in ("acme", "b", "c"):
        await shop.account(name)
    s = await shop.buy()
    async with Perennial.connect(database, temporal_address, shop.config) as other:
        results = await asyncio.gather(
            shop.perennial.do(
                ChangeOwner(subscription=s, account=shop.id("b"), request_id=shop.id("1"))
            ),
            other.do(ChangeOwner(subscription=s, account=shop.id("c"), request_id=shop.id("2"))),
            other.do(Assign(subscription=s, assignee="ann@example.com", request_id=shop.id("3"))),
            shop.perennial.do(Terminate(subscription=s, reason="closed", request_id=shop.id("4"))),
        )
    assert all(r.refusal is None or r.refusal.rule == "2" for r in results), results
    assert shop.row(s).status == "TERMINATED"
    # All that was paid today is given back to the account that paid it.
    assert [shop.balance(name) for name in ("acme", "b", "c")] == ["1000.00"] * 3
