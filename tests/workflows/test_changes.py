"""Changes of a subscription by real workflows (Rules 3.4, 9).

A test clock starts on 2021-01-15. A month that is bought then renews on 02-07 and has 31 days.
"""

import asyncio

from core.domain.commands.change_cycle import ChangeCycle
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.changes import When
from core.domain.commands.set_addon import SetAddon
from core.domain.commands.terminate import Terminate
from core.domain.contents import Coming, Item
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import Shop


async def test_what_is_pending_is_kept_over_runs_and_comes_with_the_renewal(
    open_shop: OpenShop,
) -> None:
    """2 × 40.00 + 3 × 10.00 × 2 = 140.00. Each renewal begins a new run of the workflow."""
    async with open_shop(cycles_per_run=1) as shop:
        await shop.account()
        s = await shop.buy()
        for command in (
            ChangePlan(subscription=s, sku="BIZ", when=When.RENEWAL),
            SetAddon(subscription=s, sku="SEAT", quantity=3, when=When.RENEWAL),
            ChangeCycle(subscription=s, months=2),
        ):
            result = await shop.perennial.do(command)
            assert result.refusal is None, result.refusal
        pending = (await shop.perennial.state(s)).subscription.coming
        assert pending == (
            Coming(item=Item.PLAN, sku="BIZ", amount=1),
            Coming(item=Item.ADDON, name="SEAT", amount=3),
            Coming(item=Item.CYCLE, amount=2),
        )
        await shop.advance(2021, 2, 8)
        renewed = (await shop.perennial.state(s)).subscription
        assert (str(renewed.expiry), renewed.sku) == ("2021-04-14", "PRO")
        assert {str(it.since) for it in renewed.coming} == {"2021-02-15"}
        assert shop.balance() == "810.00"  # 1000 − 50 − 140
        await shop.advance(2021, 4, 8)
        again = (await shop.perennial.state(s)).subscription
        assert (str(again.expiry), again.sku, again.coming) == ("2021-06-14", "BIZ", ())
        assert shop.balance() == "670.00"
        assert await shop.perennial.next_step(s) is not None


async def test_two_people_who_change_it_at_once_get_one_order(shop: Shop) -> None:
    """The one that is second is judged by what the first one has made of it."""
    await shop.account()
    s = await shop.buy()
    quantities = range(1, 6)
    results = await asyncio.gather(
        *(
            shop.perennial.do(
                SetAddon(subscription=s, sku="SEAT", quantity=5, request_id=f"{s}-{n}")
            )
            for n in quantities
        )
    )
    assert sorted(str(result.refusal and result.refusal.rule) for result in results) == [
        *("9",) * 4,
        "None",
    ]
    assert shop.balance() == "900.00"  # 1000 − 50 − 5 × 10
    assert shop.events(s) == ["purchased", "addon_changed"]


async def test_the_same_request_sent_twice_is_charged_once(shop: Shop) -> None:
    await shop.account()
    s = await shop.buy()
    command = SetAddon(subscription=s, sku="SEAT", quantity=1, request_id=f"{s}-more")
    first, second = await asyncio.gather(shop.perennial.do(command), shop.perennial.do(command))
    assert first.result == second.result is not None
    assert shop.balance() == "940.00"
    ended = await shop.perennial.do(Terminate(subscription=s, reason="moved"))
    assert ended.refusal is None
    assert shop.balance() == "1000.00"
