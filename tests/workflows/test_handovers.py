"""What a workflow hands over: its queue to the next run, and nothing older than what it knows."""

import asyncio
import threading
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateStage

from activities import registry
from core.domain.commands.extend import Extend
from core.domain.commands.recover import Recover
from core.domain.commands.unsubscribe import Unsubscribe
from core.protocol.activity_messages import CommandResult
from core.protocol.workflow_messages import SubscriptionMessage
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import JANUARY, Shop, kinds

LONG = 60
"""In these tests a history of so many events is a long one."""


async def test_an_older_snapshot_that_arrives_late_changes_nothing(shop: Shop) -> None:
    await shop.account()
    s = await shop.buy()
    [(old, *_)] = shop.perennial.ledger.snapshots([s], JANUARY)
    await shop.advance(2021, 2, 7)
    await shop.perennial.do(Unsubscribe(subscription=s, request_id=shop.id("u")))
    known = await shop.perennial.state(s)
    await shop.workflow(s).signal("moved", old)
    assert await shop.perennial.state(s) == known
    # It still does what is next, and only that.
    await shop.advance(2021, 3, 16)
    assert shop.events(s) == [
        "purchased",
        "notice_renewal",
        "renewed",
        "unsubscribed",
        "notice_expiring",
        "expired",
    ]


async def test_a_result_that_arrives_after_newer_news_does_not_undo_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another transaction has changed the subscription between the commit and its result."""
    committed, go_on = threading.Event(), threading.Event()
    extend = registry._COMMANDS["extend"]

    def slow(*arguments: Any) -> CommandResult:
        result = extend(*arguments)
        committed.set()
        assert go_on.wait(300)
        return result

    monkeypatch.setitem(registry._COMMANDS, "extend", slow)
    await shop.account()
    s = await shop.buy()
    sent = asyncio.create_task(
        shop.perennial.do(Extend(subscription=s, cycles=1, request_id=shop.id("e")))
    )
    assert await asyncio.to_thread(committed.wait, 300)
    assert shop.call("unsubscribe", Unsubscribe(subscription=s), JANUARY).refusal is None
    [(newest, *_)] = shop.perennial.ledger.snapshots([s], JANUARY)
    await shop.workflow(s).signal("moved", newest)
    go_on.set()
    assert (await sent).refusal is None
    assert await shop.perennial.state(s) == newest


async def test_senders_that_wait_get_their_outcomes_before_a_long_run_ends(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history has grown long, and commands wait. A new run could not answer their senders."""
    monkeypatch.setattr(
        workflow.Info,
        "is_continue_as_new_suggested",
        lambda info: info.get_current_history_length() > LONG,
    )
    go_on = threading.Event()
    extend = registry._COMMANDS["extend"]

    def held_up(*arguments: Any) -> CommandResult:
        assert go_on.wait(300)
        return extend(*arguments)

    monkeypatch.setitem(registry._COMMANDS, "extend", held_up)
    async with open_shop() as shop:
        await shop.account()
        s = await shop.buy()
        first = (await shop.workflow(s).describe()).run_id
        [(old, *_)] = shop.perennial.ledger.snapshots([s], JANUARY)
        sent = [
            await shop.workflow(s).start_update(
                "extend",
                SubscriptionMessage(
                    command=Extend(subscription=s, cycles=1, request_id=shop.id(f"e{n}")),
                    now=JANUARY,
                ),
                wait_for_stage=WorkflowUpdateStage.ACCEPTED,
                result_type=CommandResult,
            )
            for n in range(3)
        ]
        for _ in range(LONG):
            await shop.workflow(s).signal("moved", old)
        go_on.set()
        async with asyncio.timeout(300):
            results = await asyncio.gather(*(update.result() for update in sent))
        assert [result.refusal for result in results] == [None] * 3
        run = shop.perennial.temporal.get_workflow_handle(f"subscription/{s}", run_id=first)
        async for _ in run.fetch_history_events(wait_new_event=True):
            pass  # The loop ends with this run.
        history = kinds(await run.fetch_history())
        assert history.count("WorkflowExecutionUpdateCompleted") == 3
        assert history[-1] == "WorkflowExecutionContinuedAsNew"
        await shop.workflow(s).terminate("the next run would end at once, too")


async def test_a_command_does_not_wait_after_a_new_run_has_refused_another(
    open_shop: OpenShop,
) -> None:
    """A run of a test clock needs no timer, so its first task might leave no trace.

    The server would take such a task back, and lose the task of the next command until it timed
    out (`SubjectWorkflow._live`).
    """
    async with open_shop(cycles_per_run=1) as shop:
        await shop.account()
        s = await shop.buy()
        first = (await shop.workflow(s).describe()).run_id
        await shop.advance(2021, 2, 7)
        for _ in range(2):
            refused = await shop.perennial.do(Recover(subscription=s, request_id=shop.id("r")))
            assert refused.refusal is not None
        await shop.perennial.do(Unsubscribe(subscription=s, request_id=shop.id("u")))
        assert (await shop.workflow(s).describe()).run_id != first
        assert await shop.faulty_tasks(s) == []
