"""Trials by real workflows: they begin, are told, end, and are converted (Rule 4.3).

A test clock starts on 2021-01-15. A trial of 7 days that begins then ends on 01-21.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.commands.convert import Convert
from core.domain.commands.purchase import Purchase
from core.domain.commands.trial import Trial
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.findings import FindingKind
from core.domain.steps import StepKind
from core.domain.subscription import Status
from core.ledger.clocks import machine_now
from doors.service.reconciliation import reconcile
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import Shop

CONVERT = {"trial_end": "convert"}
BEGUN = ["trial_started", "notice_trial_ending"]
CONVERTED = [*BEGUN, "card_charged", "converted"]
NOT_FUNDED = [*BEGUN, "card_declined", "expired"]


async def test_a_life_from_the_trial_to_the_termination(shop: Shop) -> None:
    await shop.account()
    t = await shop.try_out()
    assert (await shop.perennial.state(t)).subscription.trial
    await shop.advance(2021, 2, 20)  # 01-22 and 28 days more are 02-19
    assert shop.events(t) == [*BEGUN, "expired", "terminated"]
    await shop.workflow(t).result()
    assert shop.row(t).status == Status.TERMINATED
    assert shop.balance() == "1000.00"


@pytest.mark.parametrize("day", [16, 25])
async def test_it_is_converted_by_command_and_then_renews(shop: Shop, day: int) -> None:
    await shop.account()
    t = await shop.try_out()
    await shop.advance(2021, 1, day)
    result = await shop.perennial.do(Convert(subscription=t, request_id="c"))
    assert result.refusal is None
    known = (await shop.perennial.state(t)).subscription
    assert (known.trial, known.status, known.cycles_paid) == (False, Status.ACTIVE, 1)
    again = await shop.perennial.do(Convert(subscription=t, request_id="d"))
    assert again.refusal is not None
    assert again.refusal.rule == "4.3"
    await shop.advance(2021, 2, 20)
    assert shop.events(t)[-3:] == ["converted", "notice_renewal", "renewed"]
    assert shop.balance() == "900.00"


@pytest.mark.parametrize(
    ("card", "events", "charges"),
    [
        ("sim_ok", CONVERTED, [(1, True)]),
        ("sim_declined", NOT_FUNDED, [(1, False)]),
        ("sim_timeout_charged", CONVERTED, [(1, True)]),
        ("sim_timeout_uncharged", CONVERTED, [(2, True)]),
    ],
)
async def test_by_policy_the_card_is_charged_at_its_end(
    open_shop: OpenShop, card: str, events: list[str], charges: list[tuple[int, bool]]
) -> None:
    async with open_shop(rules=CONVERT) as shop:
        await shop.account(opening="0", card=card)
        t = await shop.try_out()
        step = await shop.perennial.next_step(t)
        assert step is not None
        assert (step.kind, step.due) == (
            StepKind.CONVERT_TRIAL,
            datetime(2021, 1, 22, tzinfo=UTC),
        )
        await shop.advance(2021, 1, 22)
        assert shop.events() == events
        assert shop.charges() == charges
        assert shop.balance() == "0.00"


async def test_its_end_comes_before_a_command_of_the_same_instant(open_shop: OpenShop) -> None:
    """Rule 1.6: the purchase finds what the conversion by card has left."""
    async with open_shop(rules=CONVERT) as shop:
        await shop.account(opening="30.00", card="sim_ok")
        t = await shop.try_out()
        shop.set_clock(datetime(2021, 1, 22, tzinfo=UTC))
        order = Purchase(subscription=shop.id("s"), account=shop.id("acme"), sku="BIZ")
        refused = await shop.perennial.do(order)
        assert refused.refusal is not None
        assert refused.refusal.reason == "usable 30.00 USD does not cover 40.00"
        assert shop.events(t) == ["trial_started", "converted"]
        assert shop.charges() == [(1, True)]


async def test_an_unsubscribed_one_only_expires(open_shop: OpenShop) -> None:
    async with open_shop(rules=CONVERT) as shop:
        await shop.account()
        t = await shop.try_out()
        await shop.perennial.do(Unsubscribe(subscription=t, request_id="u"))
        await shop.advance(2021, 1, 22)
        assert shop.events(t) == ["trial_started", "unsubscribed", "notice_trial_ending", "expired"]
        why = await shop.perennial.why_not_renewed(t)
        assert why.startswith("It expired after 2021-01-21 because the trial was not converted")


async def test_by_the_machines_clock_its_workflow_wakes_and_converts_it(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False, rules=CONVERT) as shop:
        await shop.account(opening="50.00")
        order = Trial(subscription=shop.id("t"), account=shop.id("acme"), sku="PRO")
        shop.call("trial", order, machine_now() - timedelta(days=9))
        await shop.perennial.start(order.subscription)
        await shop.until(
            order.subscription,
            lambda: shop.events(order.subscription) == ["trial_started", "converted"],
        )


async def test_reconciliation_finds_nothing_wrong_with_trials(shop: Shop) -> None:
    """One runs, one is converted before its paid cycle begins, one is EXPIRED."""
    ids = []
    for name in ("acme", "beta", "gamma"):
        await shop.account(name)
        ids.append(await shop.try_out(f"t-{name}", name))
    await shop.perennial.do(Convert(subscription=ids[1]))
    assert (await reconcile(shop.perennial, full=True)).findings == ()
    await shop.advance(2021, 1, 25)
    await shop.perennial.do(Convert(subscription=ids[2]))
    assert (await reconcile(shop.perennial, full=True)).findings == ()
    await shop.workflow(ids[0]).terminate("lost")
    [finding] = (await reconcile(shop.perennial, full=True)).findings
    assert (finding.kind, finding.repaired) == (FindingKind.WORKFLOW_MISSING, True)
    await shop.advance(2021, 2, 20)
    assert shop.events(ids[0])[-1] == "terminated"


async def test_50_trials_at_once_are_one(open_shop: OpenShop) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account()
        orders = [
            Trial(subscription=shop.id(f"t{n}"), account=shop.id("acme"), sku="PRO")
            for n in range(50)
        ]
        results = await asyncio.gather(*map(shop.perennial.do, orders))
        assert sorted(str(result.refusal and result.refusal.rule) for result in results) == [
            "4.3"
        ] * 49 + ["None"]
        assert shop.events() == ["trial_started"]
