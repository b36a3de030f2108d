"""Renewals on real workflows, and the events that they leave in the history.

They run by the test clock, by real timers, in groups, and as local or regular activities.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import registry
from core.domain.commands.recover import Recover
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.steps import of_subscription
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import Outcome, StepRequest
from doors.application import test_clocks
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, JANUARY, Shop, kinds
from workflows import subject_workflow

START = ["WorkflowExecutionStarted"]
TASK = ["WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted"]
ACTIVITY = ["ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted"]


async def test_a_subscription_renews_on_its_renewal_date(shop: Shop) -> None:
    await shop.account(opening="120.00")
    s = await shop.buy()
    await shop.advance(2021, 2, 6)
    assert shop.events(s) == ["purchased", "notice_renewal"]
    await shop.advance(2021, 2, 7)
    assert shop.events(s) == ["purchased", "notice_renewal", "renewed"]
    assert (str(shop.row(s).expiry), shop.balance()) == ("2021-03-14", "20.00")


async def test_an_advance_that_ctrl_c_ends_goes_on_from_there(shop: Shop) -> None:
    """Ctrl-C cancels the task. It is in the middle of the steps of three months."""
    await shop.account(opening="400.00")
    both = [await shop.buy("s1"), await shop.buy("s2")]
    assert shop.clock is not None

    def ctrl_c(now: datetime) -> None:
        if now >= FEBRUARY:
            advancing.cancel()

    until = datetime(2021, 4, 10, tzinfo=UTC)
    advancing = asyncio.create_task(shop.perennial.advance(shop.clock, until, progress=ctrl_c))
    with pytest.raises(asyncio.CancelledError):
        await advancing
    now = await asyncio.to_thread(test_clocks.now_of, shop.perennial.ledger, shop.clock)
    assert now == FEBRUARY
    await shop.advance(2021, 4, 10)
    assert [shop.events(s).count("renewed") for s in both] == [3, 3]
    assert shop.balance() == "0.00"


async def test_a_life_from_purchase_to_termination(shop: Shop) -> None:
    await shop.account(opening="60.00")
    s = await shop.buy()
    await shop.advance(2021, 4, 1)
    retries = ["renewal_failed"] * 4  # on the renewal date and 2, 4 and 6 days later
    assert shop.events(s) == ["purchased", "notice_renewal", *retries, "expired", "terminated"]
    assert (await shop.workflow(s).result())["subscription"]["status"] == "TERMINATED"


async def test_the_first_of_a_group_renews_all_and_the_others_find_it_done(shop: Shop) -> None:
    await shop.account(opening="180.00")
    a, b = await shop.buy("a", "PRO"), await shop.buy("b", "BIZ")
    await shop.advance(2021, 2, 7)
    assert shop.balance() == "0.00"
    assert (await shop.perennial.state(a)).subscription.version == 2
    assert (await shop.perennial.state(b)).subscription.version == 2


async def test_a_group_that_cannot_be_funded_fails_together(shop: Shop) -> None:
    await shop.account(opening="150.00")
    a, b = await shop.buy("a", "PRO"), await shop.buy("b", "BIZ")
    await shop.advance(2021, 2, 7)
    for s in (a, b):
        assert shop.events(s)[-1] == "renewal_failed"
        assert (await shop.perennial.state(s)).subscription.renewal_failed
    assert shop.balance() == "60.00"


async def test_a_top_up_heals_failed_groups_and_tells_their_workflows(shop: Shop) -> None:
    await shop.account(opening="90.00")
    a, b = await shop.buy("a", "PRO"), await shop.buy("b", "BIZ")
    await shop.advance(2021, 2, 7)
    await shop.perennial.do(
        TopUp(account=shop.id("acme"), amount=Decimal(90), request_id=shop.id("t"))
    )
    for s in (a, b):
        state = await shop.perennial.state(s)
        assert (state.subscription.renewal_failed, str(state.subscription.expiry)) == (
            False,
            "2021-03-14",
        )
        assert (await shop.perennial.next_step(s)) == state.next_step
    assert shop.balance() == "0.00"
    assert "WorkflowExecutionCompleted" in kinds(await shop.account_workflow().fetch_history())


async def test_a_step_that_is_due_by_the_machines_clock_runs_at_once(open_shop: OpenShop) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account()
        s = await shop.bought(machine_now() - timedelta(days=28))
        await shop.until(s, lambda: shop.events(s) == ["purchased", "renewed"])
        step = await shop.perennial.next_step(s)
        assert step is not None
        assert step.due == shop.row(s).next_due > machine_now()


async def test_after_an_outage_every_overdue_step_runs_late(open_shop: OpenShop) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account()
        # It was paid for a month, 80 days ago. The attempt falls into the outage and is too late.
        # So it expires without a charge, and has 28 days from today.
        s = await shop.bought(machine_now() - timedelta(days=80))
        await shop.until(s, lambda: shop.events(s) == ["purchased", "expired"])
        assert shop.balance() == "950.00"


async def test_a_renewal_waits_for_its_part_of_the_spread_but_a_command_does_not(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(600)
        assert (await shop.perennial.state(s)).subscription.version == 1
        refused = await shop.perennial.do(Recover(subscription=s, request_id="r"))
        assert refused.refusal is not None
        assert refused.refusal.rule == "6.1"
        # A step that is due comes before a command of the same instant (Rule 1.6).
        assert shop.events(s) == ["purchased", "renewed"]


# events of a cycle in the history: they are what a renewal costs the server


async def test_a_cycle_with_continue_as_new_is_16_events(open_shop: OpenShop) -> None:
    async with open_shop(
        clock=False, jitter_seconds=80_000, cycles_per_run=1, renew_locally=False
    ) as shop:
        s = await shop.due_soon()
        first = (await shop.workflow(s).describe()).run_id
        await shop.until(s, lambda: shop.events(s) == ["purchased", "renewed"])
        run = shop.perennial.temporal.get_workflow_handle(f"subscription/{s}", run_id=first)
        async for _ in run.fetch_history_events(wait_new_event=True):
            pass  # The loop ends with this run.
        history = kinds(await run.fetch_history())
        assert history == [
            *START,
            *TASK,
            "TimerStarted",
            "TimerFired",
            *TASK,
            *ACTIVITY,
            *TASK,
            "WorkflowExecutionContinuedAsNew",
        ]
        assert len(history) == 16


async def test_a_cycle_within_a_run_is_11_events(open_shop: OpenShop) -> None:
    async with open_shop(
        clock=False, jitter_seconds=80_000, cycles_per_run=12, renew_locally=False
    ) as shop:
        cycle = await cycle_of(shop)
        assert cycle == ["TimerFired", *TASK, *ACTIVITY, *TASK, "TimerStarted"]
        assert len(cycle) == 11


async def test_a_cycle_on_the_local_fast_path_is_6_events(open_shop: OpenShop) -> None:
    async with open_shop(clock=False, jitter_seconds=80_000, cycles_per_run=12) as shop:
        cycle = await cycle_of(shop)
        assert cycle == ["TimerFired", *TASK, "MarkerRecorded", "TimerStarted"]
        assert len(cycle) == 6


async def cycle_of(shop: Shop) -> list[str]:
    """The events from one sleep to the next."""
    s = await shop.due_soon()
    begin = [*START, *TASK, "TimerStarted"]
    async for _ in _timers_started(shop, s, 2):
        pass
    history = await shop.history(s)
    assert history[: len(begin)] == begin
    return history[len(begin) :]


async def _timers_started(shop: Shop, subscription: str, times: int) -> Any:
    async for event in shop.workflow(subscription).fetch_history_events(wait_new_event=True):
        yield event
        times -= event.HasField("timer_started_event_attributes")
        if not times:
            return


async def test_a_local_renewal_that_fails_is_tried_as_a_regular_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    renew = registry._STEPS["renew"]

    def fail_once(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 1:
            raise ConnectionError("the database is away")
        return renew(*arguments)

    monkeypatch.setitem(registry._STEPS, "renew", fail_once)
    await shop.account()
    s = await shop.buy()
    await shop.advance(2021, 2, 7)
    assert shop.events(s)[-1] == "renewed"
    history = await shop.history(s)
    assert history.index("MarkerRecorded") < history.index("ActivityTaskScheduled")
    assert len(tries) == 2


async def test_a_step_that_a_worker_cannot_even_read_does_not_end_the_workflow(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of an older version fails the activity for good, but not the subscription."""
    tries = []
    renew = registry._STEPS["renew"]

    def cannot_read(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) <= 2:  # The local one and the regular one fail.
            raise ApplicationError("Failed decoding arguments", non_retryable=True)
        return renew(*arguments)

    monkeypatch.setitem(registry._STEPS, "renew", cannot_read)
    monkeypatch.setattr(subject_workflow, "_AFTER_A_FAULT", timedelta(milliseconds=10))
    await shop.account()
    s = await shop.buy()
    await shop.advance(2021, 2, 7)
    assert shop.events(s)[-1] == "renewed"
    history = await shop.history(s)
    assert history.index("ActivityTaskFailed") < history.index("TimerFired")


# runs


async def runs_of(shop: Shop, subscription: str) -> list[list[str]]:
    """The histories of all runs, oldest first."""
    runs: list[list[str]] = []
    run: str | None = (await shop.workflow(subscription).describe()).run_id
    while run:
        handle = shop.perennial.temporal.get_workflow_handle(
            f"subscription/{subscription}", run_id=run
        )
        history = await handle.fetch_history()
        runs.insert(0, kinds(history))
        run = history.events[
            0
        ].workflow_execution_started_event_attributes.continued_execution_run_id
    return runs


async def test_a_run_ends_after_as_many_cycles_as_the_setting_says(open_shop: OpenShop) -> None:
    async with open_shop(cycles_per_run=2) as shop:
        await shop.account()
        s = await shop.buy()
        await shop.advance(2021, 6, 20)
        assert shop.events(s).count("renewed") == 5
        # The fifth cycle begins the third run and has not ended it. A run that continues another
        # has a marker more (`SubjectWorkflow._live`).
        assert [run.count("MarkerRecorded") for run in await runs_of(shop, s)] == [2, 2 + 1, 1 + 1]
        assert [run[-1] for run in await runs_of(shop, s)][:2] == [
            "WorkflowExecutionContinuedAsNew"
        ] * 2


async def test_a_flood_of_signals_is_carried_over_to_the_next_run(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More signals arrive than a history should hold. The run ends, and the next one continues.

    One task handles them all. On a loaded machine it may take longer than tasks usually may.
    """
    monkeypatch.setenv("TEMPORAL_DEBUG", "1")  # The SDK does not end a task after two seconds.
    async with open_shop(workers=(), workflow_task_seconds=120) as shop:
        await shop.account(opening="50.00")
        s = await shop.buy()
        [(old, *_)] = shop.perennial.ledger.snapshots([s], JANUARY)
        gate = asyncio.Semaphore(50)

        async def flood() -> None:
            async with gate:
                await shop.workflow(s).signal("moved", old)

        await asyncio.gather(*(flood() for _ in range(4100)))
        for n in range(5):
            await shop.perennial.send(Recover(subscription=s, request_id=shop.id(f"r{n}")))
        await shop.perennial.send(
            Terminate(subscription=s, reason="the last of them", request_id=shop.id("end"))
        )
        async with shop.working():
            await shop.workflow(s).result()
        runs = await runs_of(shop, s)
        assert [run.count("ActivityTaskCompleted") for run in runs] == [1, 5]
        assert shop.events(s) == ["purchased", "terminated", "refunded"]


async def test_a_step_that_another_caller_has_run_does_not_run_again(closed: Shop) -> None:
    await closed.account()
    s = await closed.buy()
    closed.set_clock(FEBRUARY)
    result = closed.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
    assert result.outcome is Outcome.DONE
    again = closed.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
    assert (again.outcome, again.snapshot) == (Outcome.STALE, result.snapshot)
    async with closed.working():
        await closed.advance(2021, 2, 8)  # The workflow knows the state of January.
        await closed.advance(2021, 3, 8)
    assert closed.events(s).count("renewed") == 2
    assert closed.row(s).planned_at > JANUARY
